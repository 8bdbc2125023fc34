package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"budwood"
	"budwood/search"
	"budwood/trials/store"
)

// The examples in other languages, as a user runs them.
func TestCommands(t *testing.T) {
	t.Setenv("PATH", "/usr/bin:"+os.Getenv("PATH")) // Debian's packages are of the system's Python
	dir := home(t)
	const shell, python, torch = "../../examples/command/shell.yaml", "../../examples/command/study.yaml", "../../examples/command/torch.yaml"
	_, errs, code := do(t, dir, "run", shell)
	if wantLine(t, errs, "the study runs a program: sh train.sh", "--allow-commands"); code != exitUsage {
		t.Errorf("a program that was not allowed: exit code %d", code)
	}
	out, errs, code := do(t, dir, "run", "--allow-commands", shell)
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	wantLine(t, out, "study   shell: completed", "6 trials")
	if out, _, _ = do(t, dir, "show", "shell", "t0000", "--log"); !strings.Contains(out, "epoch 3 done.") {
		t.Errorf("the log of t0000: %q", out)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("no python3")
	}
	out, errs, code = do(t, dir, "run", "--allow-commands", python, "--trials", "6")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	_, list := records(t, dir, "sine")
	if !slices.ContainsFunc(list, func(r search.Record) bool { return len(r.Measurements) > 1 }) {
		t.Error("no trial of the Python example was promoted")
	}
	out, errs, _ = do(t, dir, "objective", "test", "--param", "lr=0.1", "--param", "hidden=4", "--",
		"python3", "../../examples/command/train.py", "--lr", "{lr}", "--hidden", "{hidden}")
	if n := strings.Count(out, "works "); n != 6 || strings.Contains(out, "missing") {
		t.Errorf("objective test: %d of 6 parts work:\n%s%s", n, out, errs)
	}
	if exec.Command("python3", "-c", "import torch").Run() != nil {
		t.Log("no torch for python3: its example is left out")
		return
	}
	out, errs, code = do(t, dir, "run", "--allow-commands", torch, "--trials", "2", "--epochs", "3")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	study, _ := records(t, dir, "torch")
	if study.Best < 0 {
		t.Error("the PyTorch example found nothing")
	}
}

// Trials that need what no worker has say so, and go on when one comes.
func TestResources(t *testing.T) {
	dir := home(t)
	file := filepath.Join(t.TempDir(), "gpu.yaml")
	text := `name: gpu
data: {csv: digits.csv.gz, target: digit, rows: 200, split: {valid: 0.2, test: 0.2, seed: 7}}
objective: {metric: valid_accuracy}
resources: {cpu: 2, mem: 1GiB, tags: [gpu]}
search: {sampler: random}
budget: {trials: 4, epochs: 3}
space: [{name: lr, float: [0.001, 0.1], log: true}]
`
	b, err := os.ReadFile("../../examples/digits/digits.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "digits.csv.gz"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := do(t, dir, "run", file, "--detach"); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	began := time.Now()
	for {
		study := studyNow(dir, "gpu")
		if strings.Contains(study.Reason, "budwood worker --cpu 2 --mem 1GiB --tags gpu") {
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("nobody says that no worker can take the trials: %q", study.Reason)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("said after %v", time.Since(began).Round(100*time.Millisecond))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd, _, said := program(ctx, dir, "worker", "--cpu", "2", "--mem", "4GiB", "--tags", "gpu,big")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	for ctx.Err() == nil {
		if study, list := records(t, dir, "gpu"); study.State == store.StudyCompleted {
			if len(list) != 4 || study.Reason != "" {
				t.Errorf("%d trials; %q", len(list), study.Reason)
			}
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("the study did not end with a worker that has everything: %s", said)
}

// studyNow is a study as it stands, empty while there is none.
func studyNow(dir, name string) store.Study {
	db, err := store.OpenReadOnly(budwood.StoreFile(dir))
	if err != nil {
		return store.Study{}
	}
	defer db.Close()
	study, _ := db.Study(context.Background(), name)
	return study
}
