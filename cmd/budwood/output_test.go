package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/search"
)

// script is a study file whose command is a script, in a directory of its own.
func script(t *testing.T, name, shell, text string, lines ...string) (file string) {
	t.Helper()
	dir := t.TempDir()
	study := fmt.Sprintf("name: %s\nsearch: {scheduler: none, seed: 1, warm_start: off, parallel: 1}\nbudget: {trials: 3, epochs: 3}\n", name)
	study += strings.Join(lines, "\n")
	if !strings.Contains(study, "\nspace:") {
		study += "\nspace: [{name: lr, float: [0.0001, 1], log: true}]\n"
	}
	if !strings.Contains(study, "\ncommand:") {
		study += fmt.Sprintf("command: {args: [%s, train]}\n", shell)
	}
	file = filepath.Join(dir, "study.yaml")
	if err := errors.Join(os.WriteFile(file, []byte(study), 0o644), os.WriteFile(filepath.Join(dir, "train"), []byte(text), 0o755)); err != nil {
		t.Fatal(err)
	}
	return file
}

const threeReports = `for e in 1 2 3; do echo "budwood: {\"epoch\": $e, \"loss\": 0.$e}"; done` + "\n"

// What programs write and how they end, on a real server: no trial hangs, none is
// run again for ever, and nothing of it reaches the terminal but as text.
func TestOutputOfCommands(t *testing.T) {
	dir := home(t)
	for _, c := range []struct {
		name, shell, text string
		lines             []string
		state             search.State
		reason            string // at its end
	}{
		{"child-left", "sh", "sleep 3600 &\necho 'budwood: {\"epoch\": 1, \"loss\": 0.5}'\necho 'CUDA error: out of memory' >&2\nexit 1\n", nil, search.Failed, "exit status 1\nCUDA error: out of memory"},
		{"long-bar", "python3", `import sys
for e in (1, 2, 3):
    for i in range(12000):
        sys.stderr.write("\r%3d%%|%-60s| %d/12000" % (i / 120, "#" * (i // 200), i))
    print('budwood: {"epoch": %d, "loss": %g}' % (e, 1 / e))
`, nil, search.Completed, ""},
		{"two-writers", "python3", `import os, sys
for e in (1, 2, 3):
    print('budwood: {"epoch": %d, "loss": %g}' % (e, 1 / e), end="")
    sys.stdout.flush()
    os.write(1 if e == 1 else 2, b"worker 1: batch done\r")
    print()
`, nil, search.Completed, ""},
		{"small-nan", "sh", "echo 'budwood: {\"epoch\": 1, \"loss\": 0.5}'\necho 'budwood: {\"epoch\": 2, \"loss\": nan}'\n", nil, search.Diverged, "epoch 2: loss is NaN"},
		{"spinner", "python3", `import os, sys
print('budwood: {"epoch": 1, "loss": 0.5}', flush=True)
os.write(2, b"\x1b[K\x08\x08" * 250000)
sys.exit("out of \x1b]0;title\x07memory")
`, nil, search.Failed, "exit status 1\nout of memory"},
		{"environment", "sh", threeReports + "echo \"LR=$LR\"\n", []string{`command: {args: [sh, train], env: {LR: "{lr}"}}`}, search.Completed, ""},
		{"absent", "python3", `import argparse, json
p = argparse.ArgumentParser()
p.add_argument("--optimizer")
p.add_argument("--momentum", type=float, default=0.9)
p.add_argument("--amp", action=argparse.BooleanOptionalAction, required=True)
a = p.parse_args()
for e in (1, 2, 3):
    print("budwood: " + json.dumps({"epoch": e, "loss": (1 if a.optimizer == "adam" else 2) / e}))
`, []string{
			`command: {args: [python3, train, "{args}"]}`, "space:",
			"  - {name: optimizer, choice: [adam, {value: sgd, space: [{name: momentum, float: [0, 0.99]}]}]}", "  - {name: amp, choice: [true, false]}",
		}, search.Completed, ""},
	} {
		if _, err := exec.LookPath(c.shell); err != nil {
			t.Logf("no %s: %s is left out", c.shell, c.name)
			continue
		}
		file := script(t, c.name, c.shell, c.text, c.lines...)
		out, errs, code := do(t, dir, "run", "--allow-commands", file)
		if strings.ContainsAny(out+errs, "\x1b\b\r\a") || len(out+errs) > 16<<10 {
			t.Errorf("%s: %d bytes, or not plain: %.2000q", c.name, len(out+errs), out+errs)
		}
		_, list := records(t, dir, c.name)
		if len(list) != 3 || (code == exitDone) != (c.state == search.Completed) {
			t.Errorf("%s: %d trials, exit code %d\n%s%s", c.name, len(list), code, out, errs)
		}
		for _, r := range list {
			if r.State != c.state || !strings.HasSuffix(r.Reason, c.reason) || len(r.Reason) > 8<<10 {
				t.Errorf("%s: %s: %s: %q", c.name, r.Name(), r.State, r.Reason)
			}
		}
		switch c.name {
		case "environment":
			if out, _, _ := do(t, dir, "show", c.name, "t0000", "--log"); !strings.Contains(out, fmt.Sprintf("LR=%v", list[0].Params["lr"])) {
				t.Errorf("the environment has not lr %v: %q", list[0].Params["lr"], out)
			}
		case "spinner":
			plain, _, _ := do(t, dir, "show", c.name, "t0000", "--log")
			raw, _, _ := do(t, dir, "show", c.name, "t0000", "--log", "--raw")
			if strings.ContainsAny(plain, "\x1b\b\a") || !strings.Contains(plain, "out of memory") || !strings.Contains(raw, "out of \x1b]0;title\amemory") || len(raw) > 2<<20 {
				t.Errorf("the log: %.1000q; %d bytes as they are", plain, len(raw))
			}
		case "absent":
			out, errs, code := do(t, dir, "objective", "test", file, "--epochs", "3")
			if code != exitDone {
				t.Errorf("exit code %d: %s", code, errs)
			}
			wantLine(t, out, `"--optimizer","adam"]`, `"--optimizer","sgd"]`, `["python3","train","--no-amp",`, `["python3","train","--amp",`, `"--momentum",`, "works   reports")
		}
	}
	// Not a word of a program that may not run.
	file := script(t, "other", "sh", "exit 1", `command: {args: [sh, train, --lr, "{lr}"], env: {LR: "{lr}"}}`)
	out, errs, code := do(t, dir, "objective", "test", file)
	if wantLine(t, out, `args    ["sh","train","--lr","0.`, "env     LR=0."); code != exitUsage || !strings.Contains(errs, "--allow-commands") || strings.Contains(out, "works") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

// Output of a gigabyte fills neither the memory of the workers nor the disk.
func TestOutputOfAGigabyte(t *testing.T) {
	dir := home(t)
	if _, errs, code := do(t, dir, "run", "--allow-commands", script(t, "little", "sh", threeReports)); code != exitDone {
		t.Fatal(errs)
	}
	before := peak(t, dir)
	file := script(t, "much", "sh", "echo first\nhead -c 500000000 /dev/zero >&2\n"+threeReports+"head -c 500000000 /dev/zero\necho last\n", "max_retries: 0")
	out, errs, code := doFor(t, 5*time.Minute, dir, "run", "--allow-commands", file, "--trials", "1")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if more := peak(t, dir) - before; more > 256<<20 {
		t.Errorf("%d bytes more in memory", more)
	}
	size := int64(0)
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, err := d.Info(); err == nil && strings.Contains(path, "blobs") {
			size += info.Size()
		}
		return nil
	})
	if size > 4<<20 {
		t.Errorf("%d bytes on disk", size)
	}
	log, _, _ := do(t, dir, "show", "much", "t0000", "--log")
	wantLine(t, log, "first\n", "… budwood left out 953 MiB of output here …", "\nlast\n")
}

// peak is the most memory that any process of a state directory has held.
func peak(t *testing.T, dir string) (most int64) {
	t.Helper()
	for _, pid := range processes(dir) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, rest, ok := strings.Cut(string(b), "VmHWM:"); err == nil && ok {
			var kB int64
			if _, err := fmt.Sscan(rest, &kB); err != nil {
				t.Fatal(err)
			}
			most = max(most, kB<<10)
		}
	}
	return most
}

// What a Go objective says may be too large for Temporal, or no text: its trials
// end all the same, each trained once.
func TestResultsOfAnySize(t *testing.T) {
	dir := home(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	up, _, said := program(ctx, dir, "up")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	var server devserver.Info
	for ok := false; !ok; server, ok = devserver.Running(dir) {
		if ctx.Err() != nil {
			t.Fatalf("up does not start a server:\n%s", said)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Setenv("BUDWOOD_HOME", t.TempDir()) // the workers are this program's
	t.Setenv("TEMPORAL_ADDRESS", server.Address)
	lr := search.LogFloat("lr", .001, 1)
	for name, c := range map[string]struct {
		f      func(*budwood.Trial) error
		state  search.State
		reason string
	}{
		"large-error": {func(*budwood.Trial) error {
			return errors.New("no way: " + strings.Repeat("\x1b\xff<", 2<<20) + " the end")
		}, search.Failed, "the end"},
		"large-panic": {func(*budwood.Trial) error { panic(strings.Repeat("\x00", 5<<20)) }, search.Failed, "left out"},
		"long-curve": {func(t *budwood.Trial) error {
			for e := range t.Epochs() {
				t.ReportAll(search.Metrics{"loss": lr.In(t) / float64(e), strings.Repeat("\xe2\x88\x9e", 60): 1})
			}
			return nil
		}, search.Completed, "of the 40000 epochs of its curve one in"},
		"no-name": {func(t *budwood.Trial) error {
			for range t.Epochs() {
				t.ReportAll(search.Metrics{"loss": 1, "\xff": 1})
			}
			return nil
		}, search.Failed, `"\xff" is not the name of a metric`},
	} {
		runs := 0
		study := budwood.Study{Name: name, Space: search.Space{lr}, Trials: 2, Epochs: 40_000, Parallel: 1, Scheduler: "none"}
		r, err := study.Run(ctx, func(_ context.Context, t *budwood.Trial) error { runs++; return c.f(t) })
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, trial := range r.Trials {
			if trial.State != c.state || !strings.Contains(trial.Reason, c.reason) || len(trial.Reason) > 8<<10 {
				t.Errorf("%s: %s: %s: %.300q", name, trial.Name(), trial.State, trial.Reason)
			}
		}
		if runs != 2 || len(r.Trials) != 2 {
			t.Errorf("%s: the objective was run %d times for %d trials", name, runs, len(r.Trials))
		}
	}
}
