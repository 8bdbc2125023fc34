package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials/store"
)

// A newcomer's way: run a study, look at it, run a similar one.
func TestRun(t *testing.T) {
	dir := home(t)
	out, progress, code := do(t, dir, "run", digits, "--trials", "8", "--epochs", "3")
	if code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, progress)
	}
	wantLine(t, progress, "starting Temporal", "web UI http://127.0.0.1:", "t0007  start", "completed")
	wantLine(t, out, "study   digits: completed", "8 trials", "best    t0", "test    accuracy 0.", "energy  ", "next    budwood show digits")
	study, list := records(t, dir, "digits")
	if len(list) != 8 || study.Test["test_accuracy"] < .9 {
		t.Errorf("%d trials, test %v", len(list), study.Test)
	}

	// The reading verbs.
	out, _, _ = do(t, dir, "ls")
	wantLine(t, out, "digits", "completed")
	out, _, _ = do(t, dir, "show", "digits", "-o", "json")
	var shown []search.Record
	if err := json.Unmarshal([]byte(out), &shown); err != nil || len(shown) != 8 {
		t.Errorf("show -o json: %d trials, %v", len(shown), err)
	}
	out, _, _ = do(t, dir, "show", "digits", "t0000")
	wantLine(t, out, "start_with", "worker  ", "valid_accuracy")
	out, _, _ = do(t, dir, "best", "digits", "-o", "csv")
	wantLine(t, out, "PARAM,VALUE", "lr,")
	file := filepath.Join(t.TempDir(), "digits.onnx")
	out, progress, _ = do(t, dir, "export", "digits", "-f", file)
	wantLine(t, out, "of digits, valid_accuracy", "input rows×8×8×1, output rows×10")
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "MatMul") {
		t.Errorf("export: %d bytes, %v; %s", len(b), err, progress)
	}
	size := func(file string, more ...string) int64 {
		_, progress, _ := do(t, dir, append([]string{"export", "digits", "-f", file}, more...)...)
		st, err := os.Stat(file)
		if err != nil {
			t.Fatalf("export %v: %v; %s", more, err, progress)
		}
		return st.Size()
	}
	if full, half := size(file, "--network-only"), size(file, "--dtype", "f16"); half > full*2/3 {
		t.Errorf("%d bytes in float16, %d in float32", half, full)
	}
	weights := strings.TrimSuffix(file, "onnx") + "safetensors"
	if full, half := size(weights), size(weights, "--dtype", "bf16"); half > full*2/3 {
		t.Errorf("%d bytes in bfloat16, %d in float32", half, full)
	}
	if full, eighth := size(weights), size(weights, "--dtype", "int8"); eighth > full*2/5 {
		t.Errorf("%d bytes in integers, %d in float32", eighth, full)
	}
	out, _, _ = do(t, dir, "export", "digits", "-f", file, "--dtype", "int8")
	wantLine(t, out, "int8: on ", "validation rows it loses", "and agrees on ")
	wantLine(t, out, "int8: measured at batch 64 by turns")
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "QuantizeLinear") {
		t.Errorf("export of integers: %d bytes, %v", len(b), err)
	}
	if b, err := os.ReadFile(strings.TrimSuffix(file, "onnx") + "json"); err != nil || !strings.Contains(string(b), `"classes"`) {
		t.Errorf("export: %s, %v", b, err)
	}
	predicted(t, dir)

	// Run again, it is shown again; with more trials, it goes on.
	out, progress, _ = do(t, dir, "run", digits, "--trials", "8", "--epochs", "3")
	wantLine(t, progress, "has ended already")
	wantLine(t, out, "8 trials")
	out, progress, _ = do(t, dir, "run", digits, "--trials", "10", "--epochs", "3")
	wantLine(t, progress, "goes on after 8 trials")
	wantLine(t, out, "10 trials")

	// A second study on the same data starts from the first.
	out, _, _ = do(t, dir, "run", digits, "--name", "second", "--trials", "4", "--epochs", "1")
	wantLine(t, out, "from study digits (similarity 1.00")
	_, list = records(t, dir, "second")
	if !slices.ContainsFunc(list, func(r search.Record) bool { return strings.HasPrefix(r.Source, "warm start: digits t") }) {
		t.Error("no trial of the second study comes from the first")
	}

	// Nothing stays behind.
	for range 100 {
		if len(processes(dir)) == 0 {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if left := processes(dir); len(left) > 0 {
		t.Errorf("processes %v are still there", left)
	}
	out, _, code = do(t, dir, "rm", "second")
	if wantLine(t, out, "deleted"); code != exitDone {
		t.Errorf("rm: exit code %d", code)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "blobs/studies/second/*")); len(left) > 0 {
		t.Errorf("checkpoints are left: %v", left)
	}
}

// predicted applies the best network to the first rows of the digits.
func predicted(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join(filepath.Dir(digits), "digits.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := csv.NewWriter(&text).WriteAll(rows[:301]); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "new.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	out, progress, code := do(t, dir, "predict", "digits", file, "-o", "csv")
	said, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if code != exitDone || err != nil || len(said) != 301 || len(said[0]) != 13 {
		t.Fatalf("predict: exit code %d, %v, %d lines\n%s", code, err, len(said), progress)
	}
	target, right := slices.Index(rows[0], "digit"), 0
	for i := range said[1:] {
		if said[i+1][1] == rows[i+1][target] {
			right++
		}
	}
	if right < 280 { // the study's test accuracy is above .9
		t.Errorf("predict: %d of 300 rows are right", right)
	}
	_, progress, code = do(t, dir, "predict", "digits", filepath.Join(filepath.Dir(digits), "../adult/adult.csv.gz"))
	if wantLine(t, progress, "there is no column"); code == exitDone {
		t.Error("predict: a table of another study was taken")
	}
}

// kill -9 of everything, again and again; the same command goes on each time.
func TestKilled(t *testing.T) {
	dir := home(t)
	args := []string{"run", digits, "--trials", "14", "--epochs", "9"}
	kills := 0
	for round := 0; ; round++ {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		cmd, out, progress := program(ctx, dir, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if round < 2 {
			want := 3 + 5*round
			for stop := time.Now().Add(time.Minute); started(dir) < want && time.Now().Before(stop); {
				time.Sleep(10 * time.Millisecond)
			}
			kills += killAll(t, dir)
			_ = cmd.Wait()
			cancel()
			continue
		}
		err := cmd.Wait()
		cancel()
		if err != nil {
			t.Fatalf("%v\n%s%s", err, out, progress)
		}
		wantLine(t, progress.String(), "goes on")
		break
	}
	if *record {
		recordHistories(t, dir, "study/digits", "study/digits/t0000")
	}
	if kills < 6 { // the command, the workers and the server, twice
		t.Errorf("only %d processes were killed", kills)
	}
	study, list := records(t, dir, "digits")
	if study.State != store.StudyCompleted || len(list) != 14 {
		t.Fatalf("%s with %d trials, want 14", study.State, len(list))
	}
	seen := map[string]int{}
	for i, r := range list {
		if r.ID != i || !r.State.Ended() {
			t.Errorf("trial %d of the list is %s, %s", i, r.Name(), r.State)
		}
		seen[r.Params.Key()]++
		store, err := store.OpenReadOnly(filepath.Join(dir, "budwood.db"))
		if err != nil {
			t.Fatal(err)
		}
		curve, err := store.Curve(context.Background(), "digits", r.ID)
		store.Close()
		if err != nil {
			t.Fatal(err)
		}
		last, _ := r.Last()
		if len(curve) != last.Budget {
			t.Errorf("%s has %d epochs recorded and a budget of %d", r.Name(), len(curve), last.Budget)
		}
		for k, m := range curve {
			if m.Budget != k+1 {
				t.Errorf("%s: epoch %d stands at place %d", r.Name(), m.Budget, k+1)
			}
		}
	}
	if len(seen) != len(list) {
		t.Errorf("%d different candidates in %d trials", len(seen), len(list))
	}
}

// started is the number of trials in the store, 0 while there is none.
func started(dir string) int {
	store, err := store.OpenReadOnly(filepath.Join(dir, "budwood.db"))
	if err != nil {
		return 0
	}
	defer store.Close()
	list, err := store.Records(context.Background(), "digits")
	if err != nil {
		return 0
	}
	return len(list)
}

// Ctrl-C leaves the study, which goes on; watch comes back to it, stop ends it.
func TestDetachAndStop(t *testing.T) {
	dir := home(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd, _, progress := program(ctx, dir, "run", digits, "--trials", "2000", "--epochs", "9")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for started(dir) < 2 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitDetached {
		t.Errorf("exit code %d after Ctrl-C, want %d", code, exitDetached)
	}
	wantLine(t, progress.String(), "study digits goes on", "budwood watch digits", "budwood stop digits")
	before := started(dir)
	for started(dir) <= before+2 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Fatal("the study does not go on")
	}
	_, errs, code := do(t, dir, "run", digits, "--trials", "2500", "--epochs", "9", "--detach")
	if code != exitDone {
		t.Errorf("run with a larger budget: exit code %d", code)
	}
	wantLine(t, errs, "study digits: budget.trials is 2500, no longer 2000")
	if _, errs, _ = do(t, dir, "run", digits, "--trials", "2500", "--epochs", "9", "--detach"); strings.Contains(errs, "no longer") {
		t.Errorf("the same budget again: %s", errs)
	}
	out, _, code := do(t, dir, "stop", "digits", "--now")
	if code != exitDone {
		t.Errorf("stop: exit code %d", code)
	}
	wantLine(t, out, "study   digits: stopped", "stopped by the user")
	out, _, _ = do(t, dir, "watch", "digits")
	wantLine(t, out, "study   digits: stopped")
}
