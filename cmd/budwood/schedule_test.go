package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"budwood/trials/store"
)

// A scheduled study runs under a name of its own, while budwood up does.
func TestSchedule(t *testing.T) {
	dir := home(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	up, _, said := program(ctx, dir, "up", "--metrics", "127.0.0.1:0")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	defer up.Process.Kill()
	if _, errs, code := do(t, dir, "schedule", "add", digits, "--trials", "2", "--epochs", "1"); code != exitUsage {
		t.Errorf("without a time: exit code %d: %s", code, errs)
	}
	out, errs, code := do(t, dir, "schedule", "add", digits, "--every", "24h", "--name", "nightly", "--trials", "2", "--epochs", "1")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s\n%s", code, out, errs, said)
	}
	if _, errs, code := do(t, dir, "schedule", "add", digits, "--every", "24h", "--name", "nightly"); code != exitUsage {
		t.Errorf("twice: exit code %d: %s", code, errs)
	}
	if _, errs, code := do(t, dir, "schedule", "run", "nightly"); code != exitDone {
		t.Fatalf("run: exit code %d: %s", code, errs)
	}
	for done := false; !done; time.Sleep(200 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("no study came of the schedule: %s", said)
		}
		out, _, _ = do(t, dir, "ls")
		done = strings.Contains(out, "nightly-2") && strings.Contains(out, string(store.StudyCompleted))
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "blobs", "data", "*")); len(list) != 1 {
		t.Errorf("kept for the workers: %v", list)
	}
	out, _, _ = do(t, dir, "schedule", "ls")
	wantLine(t, out, "nightly")
	if _, _, code := do(t, dir, "schedule", "rm", "nightly"); code != exitDone {
		t.Errorf("rm: exit code %d", code)
	}
	wantLine(t, said.String(), "metrics at http://127.0.0.1:")
}
