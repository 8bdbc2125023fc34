package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"budwood"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/store"
)

// files writes a directory of small files.
func files(t *testing.T, texts map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range texts {
		rewrite(t, filepath.Join(dir, name), text)
	}
	return dir
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const twoPrograms = `name: changed
objective: {metric: loss}
command: {args: [sh, train.sh, "{lr}"]}
search: {scheduler: none, seed: 1, parallel: 1, warm_start: off}
budget: {trials: 4, epochs: 3}
space:
  - {name: lr, float: [0.0001, 1], log: true}
`

// A program that was wrong is mended in the middle of a study: it says so, and
// its first trials can be left out.
func TestProgramChangedInMidStudy(t *testing.T) {
	dir := home(t)
	at := files(t, map[string]string{
		"study.yaml": twoPrograms,
		"train.sh":   ". ./loss.sh\nfor e in 1 2 3; do echo \"budwood: {\\\"epoch\\\": $e, \\\"loss\\\": $(loss \"$1\")}\"; done\n",
		"loss.sh":    "loss() { awk -v lr=\"$1\" 'BEGIN { x = log(lr) / log(10) + 2; if (x < 0) x = -x; print x / 10 }'; }\n", // the mistake: / 10
	})
	study := filepath.Join(at, "study.yaml")
	out, errs, code := do(t, dir, "run", "--allow-commands", study)
	if code != exitDone || strings.Contains(errs+out, "changed:") && strings.Contains(errs+out, "budwood trial drop") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	_, list := records(t, dir, "changed")
	before := list[0].Version
	out, errs, _ = do(t, dir, "run", study) // nothing has changed: not a word
	if strings.Contains(out+errs, "trial drop") {
		t.Errorf("nothing has changed:\n%s%s", errs, out)
	}

	text, err := os.ReadFile(filepath.Join(at, "loss.sh"))
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(at, "loss.sh"), strings.ReplaceAll(string(text), " / 10", ""))
	rewrite(t, study, strings.ReplaceAll(twoPrograms, "trials: 4", "trials: 8"))
	out, errs, code = do(t, dir, "run", study)
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	_, list = records(t, dir, "changed")
	after := list[4].Version
	const drop = "budwood trial drop changed t0000-t0003 --why 'loss.sh has changed'"
	wantLine(t, errs, "loss.sh has changed: 4 trials (t0000-t0003) are of the version before ("+before+", now "+after+"); to leave them out: "+drop)
	wantLine(t, out, "mixed   t0000-t0003 of version "+before+", t0004-t0007 of version "+after+" (loss.sh has changed); to leave those before out: "+drop)
	for _, r := range list {
		if want := map[bool]string{true: before, false: after}[r.ID < 4]; r.Version != want || before == "" || before == after {
			t.Errorf("%s is of version %s, want %s", r.Name(), r.Version, want)
		}
	}
	if out, _, _ = do(t, dir, "best", "changed"); !strings.HasPrefix(out, "t000") || out[:5] > "t0003" {
		t.Errorf("the best of the wrong program is not the best of all: this test sees nothing:\n%s", out)
	}

	out, errs, code = do(t, dir, "trial", "drop", "changed", "t0000-t0003", "--why", "loss.sh has changed")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	wantLine(t, out, "study changed: set aside: t0000-t0003", "raise it by 4")
	for command, want := range map[string]string{"best changed": "t0004 of changed", "show changed --sort value": "set aside", "report changed -f -": `<tr class="aside"><td>t0001</td>`,
		"run " + study: "8 trials, 24 epochs, 0 stopped early, 4 set aside", "show changed t0001": "aside   it does not count: loss.sh has changed",
		"show changed t0005": "version " + after + " (command.args, loss.sh, train.sh)", "show changed -o json": `"set_aside": "loss.sh has changed"`, "show changed -o csv": ",loss.sh has changed,"} {
		out, errs, code := do(t, dir, strings.Fields(command)...)
		if wantLine(t, out, want); code != exitDone || strings.Contains(errs+out, "budwood trial drop") {
			t.Errorf("budwood %s: exit code %d:\n%s%s", command, code, errs, out)
		}
	}
	for bad, want := range map[string]string{"drop changed t0000": "nothing to do: set aside already", "keep changed t0007": "nothing to do: not set aside",
		"drop changed t0003-t0099": "there is no trial t0099: the last one is t0007", "drop changed x": "is not a trial", "drop none t0001": "no such study"} {
		out, errs, code := do(t, dir, append([]string{"trial"}, strings.Fields(bad)...)...)
		if wantLine(t, errs, want); code != exitUsage || out != "" {
			t.Errorf("budwood trial %s: exit code %d: %s", bad, code, out)
		}
	}

	// It goes on without them: from the prior, as there are but four results.
	rewrite(t, study, strings.ReplaceAll(twoPrograms, "trials: 4", "trials: 12"))
	out, errs, code = do(t, dir, "run", study)
	if code != exitDone || strings.Contains(errs+out, "budwood trial drop") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	wantLine(t, errs, "t0008  start", "6 results over 1 parameters")
	if st, list := records(t, dir, "changed"); st.Best < 4 || len(list) != 12 {
		t.Errorf("best %d of %d", st.Best, len(list))
	}
	do(t, dir, "trial", "keep", "changed", "t0000,t0002-t0003")
	if st, list := records(t, dir, "changed"); st.Best < 0 || list[1].Aside == "" || list[0].Aside+list[2].Aside+list[3].Aside != "" {
		t.Errorf("three of four do not count again: %+v", list[:4])
	}
}

// Trials are set aside while the study runs: one that trains is stopped, and what
// follows is without them.
func TestDropWhileItRuns(t *testing.T) {
	dir := home(t)
	at := files(t, map[string]string{
		"study.yaml": `name: slow
objective: {metric: loss}
command: {args: [sh, train.sh, "{x}", "{trial}"], env: {WRONG: "t0000 t0001"}}
search: {seed: 1, warm_start: off, parallel: 2}
budget: {trials: 9, epochs: 9}
space: [{name: x, float: [0, 1]}]
`,
		"train.sh": `for e in $(seq 1 "$BUDWOOD_EPOCHS"); do
case "$WRONG" in *"$2"*) sleep $((e > 1 ? 20 : 0)); loss=-5;; *) loss="$1";; esac
echo "budwood: {\"epoch\": $e, \"loss\": $loss}"
done
`,
	})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd, out, errs := program(ctx, dir, "run", "--allow-commands", filepath.Join(at, "study.yaml"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	resumed := func() bool { // one of the wrong ones trains on beyond its first rung
		store, err := store.OpenReadOnly(budwood.StoreFile(dir))
		if err != nil {
			return false
		}
		defer store.Close()
		list, _ := store.Records(ctx, "slow")
		return slices.ContainsFunc(list, func(r search.Record) bool {
			return r.ID < 2 && r.State == search.Running && len(r.Measurements) > 0
		})
	}
	for !resumed() {
		if ctx.Err() != nil {
			t.Fatalf("nothing is promoted:\n%s", errs)
		}
		time.Sleep(20 * time.Millisecond)
	}
	said, complaint, code := do(t, dir, "trial", "drop", "slow", "0-1", "--why", "WRONG is set")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, complaint)
	}
	wantLine(t, said, "study slow: set aside: t0000-t0001")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	st, list := records(t, dir, "slow")
	if st.State != store.StudyCompleted || st.Best < 2 || len(list) != 9 {
		t.Errorf("%s, best %d of %d", st.State, st.Best, len(list))
	}
	for _, r := range list {
		if (r.Aside != "") != (r.ID < 2) || !r.State.Ended() {
			t.Errorf("%s %s, aside %q", r.Name(), r.State, r.Aside)
		}
	}
	if !slices.ContainsFunc(list[:2], func(r search.Record) bool { return r.State == search.Stopped && r.Reason == "set aside: WRONG is set" }) {
		t.Errorf("the one that ran was not stopped: %s (%s), %s (%s)", list[0].State, list[0].Reason, list[1].State, list[1].Reason)
	}
	wantLine(t, out.String(), "2 set aside")

	// Another value of a variable is another version.
	text, err := os.ReadFile(filepath.Join(at, "study.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(at, "study.yaml"), strings.NewReplacer("t0000 t0001", "none", "trials: 9", "trials: 11").Replace(string(text)))
	said, complaint, code = do(t, dir, "run", "--allow-commands", filepath.Join(at, "study.yaml"))
	if wantLine(t, complaint, "env WRONG has changed: 7 trials (t0002-t0008) are of the version before"); code != exitDone {
		t.Errorf("exit code %d\n%s%s", code, said, complaint)
	}
}

// If the network of the best trial that comes after the one that was set aside is
// gone, that is said, and what to do.
func TestDropTheBestNetwork(t *testing.T) {
	dir := home(t)
	if _, errs, code := do(t, dir, "run", digits, "--trials", "4", "--epochs", "3", "--plain"); code != exitDone {
		t.Fatal(errs)
	}
	st, list := records(t, dir, "digits")
	if list[0].Version == "" || list[0].Kernels == "" {
		t.Errorf("%+v", list[0])
	}
	for i := range list { // the study keeps those of trials that would go on, too
		if list[i].ID != st.Best {
			if err := os.RemoveAll(filepath.Join(dir, "blobs", trials.TrialKey("digits", list[i].ID))); err != nil {
				t.Fatal(err)
			}
		}
	}
	out, errs, code := do(t, dir, "trial", "drop", "digits", search.TrialName(st.Best))
	now, _ := records(t, dir, "digits")
	if code != exitDone || now.Best == st.Best || now.Test != nil {
		t.Fatalf("exit code %d, best %d: %s%s", code, now.Best, out, errs)
	}
	name := search.TrialName(now.Best)
	wantLine(t, out, "best    "+name, "in place of "+search.TrialName(st.Best), "weights of "+name+" are gone", "budwood trial retry digits "+name)
	do(t, dir, "trial", "keep", "digits", search.TrialName(st.Best))
	if again, _ := records(t, dir, "digits"); again.Best != st.Best || again.Test["test_accuracy"] != st.Test["test_accuracy"] {
		t.Errorf("best %d with %v, was %d with %v", again.Best, again.Test, st.Best, st.Test)
	}
}
