package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What another tool has tried is a study that has ended, and goes back into its format.
func TestHistory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "Old Trials.csv")
	if err := os.WriteFile(file, []byte("lr,act,loss\n0.001,relu,0.5\n0.1,tanh,0.25\n0.01,relu,0.75\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	state := home(t)
	try := func(code int, args ...string) string {
		t.Helper()
		stdout, stderr, got := do(t, state, args...)
		if got != code {
			t.Fatalf("budwood %s: exit code %d\n%s%s", strings.Join(args, " "), got, stdout, stderr)
		}
		return stdout + stderr
	}
	out := try(exitDone, "history", "import", file)
	for _, want := range []string{"study old-trials: 3 trials of csv, 2 parameters, minimize loss", "search: {warm_start: old-trials}", "note  parameter lr: the file does not say its range"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\nlacks %q", out, want)
		}
	}
	if out := try(exitDone, "best", "old-trials"); !strings.Contains(out, "t0001") || !strings.Contains(out, "0.25") {
		t.Error(out)
	}
	if out := try(exitUsage, "history", "import", file); !strings.Contains(out, "a study old-trials exists already; give this one another name") {
		t.Error(out)
	}
	back := filepath.Join(dir, "back.db")
	try(exitDone, "history", "export", "old-trials", back)
	if out := try(exitUsage, "history", "export", "old-trials", back); !strings.Contains(out, "is there already") {
		t.Error(out)
	}
	if out := try(exitDone, "history", "import", back, "--name", "again"); !strings.Contains(out, "study again: 3 trials of optuna, 2 parameters, minimize loss") {
		t.Error(out)
	}
}
