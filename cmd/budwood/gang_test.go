package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"budwood/search"
	"budwood/trials/store"
)

// gangFile is a study whose trials are trained by gangs of this test's own program.
func gangFile(t *testing.T, name, ranks string, trials, epochs int, env string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".yaml")
	text := fmt.Sprintf(`name: %s
objective: {metric: loss}
command: {args: [%q], env: {GANG_PROGRAM: gang%s}, grace: 2s}
mesh: {ranks: %s}
search: {sampler: random, scheduler: none, seed: 3, parallel: 1, warm_start: "off"}
budget: {trials: %d, epochs: %d}
space: [{name: x, float: [-5, 5]}]
`, name, os.Args[0], env, ranks, trials, epochs)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// A study of gangs from its file: plan describes them, run trains on the workers in the
// background, and the histories are those that are replayed.
func TestGang(t *testing.T) {
	t.Parallel()
	dir := home(t)
	file := gangFile(t, "gang", "2", 2, 3, "")
	out, errs, code := do(t, dir, "plan", file)
	if wantLine(t, out, "a gang of 2 ranks trains a trial, started all or nothing, each with cpu=1"); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if out, errs, code = do(t, dir, "run", "--allow-commands", file); code != exitDone {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if out, _, _ = do(t, dir, "show", "gang", "t0001", "--log"); !strings.Contains(out, "\n[rank 1] rank 1 of 2, local 1 of 2, begins with 0") {
		t.Errorf("the log of t0001: %q", out)
	}
	if *record {
		recordHistories(t, dir, "study/gang", "study/gang/t0001", "study/gang/t0001/gang", "gather/budwood-train")
	}
}

// Ranks on workers of their own, which are killed at random, or shut down, and come
// back: the trials come to what undisturbed ones do, and nothing is counted twice.
func TestGangLosesWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	kills, epochs := *chaosKills, 60
	if kills > 8 {
		epochs *= kills / 8
	}
	log := filepath.Join(t.TempDir(), "log")
	file := gangFile(t, "losses", "2..3", 2, epochs, fmt.Sprintf(", GANG_EPOCH: 200ms, GANG_LOG: %q", log))
	dir := home(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(3+kills)*time.Minute)
	defer cancel()
	up, _, said := program(ctx, dir, "up", "--cpu", "1", "--allow-commands")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	defer up.Process.Kill()
	for len(processes(dir)) < 2 && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	start := func() *exec.Cmd {
		cmd, _, _ := program(ctx, dir, "worker", "--cpu", "1", "--allow-commands")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	workers := []*exec.Cmd{start(), start()}
	defer func() {
		for _, w := range workers {
			_ = w.Process.Kill()
			_ = w.Wait()
		}
	}()
	run, out, errs := program(ctx, dir, "run", "--allow-commands", file)
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- run.Wait() }()
	r := rand.New(rand.NewPCG(*chaosSeed, 2))
	written := func() string {
		b, _ := os.ReadFile(log)
		return string(b)
	}
	killed, slowest, smaller := 0, time.Duration(0), false // a gang has gone on with one rank less
	for waiting := true; waiting; {
		pause := time.Hour
		if killed < kills {
			pause = time.Duration(500+r.IntN(2500)) * time.Millisecond
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v\n%s%s%s", err, out, errs, said)
			}
			waiting = false
		case <-time.After(pause):
			if !strings.Contains(written(), " of ") {
				continue
			}
			k, before, began := r.IntN(len(workers)), len(written()), time.Now()
			if killed%4 == 3 {
				_ = workers[k].Process.Signal(os.Interrupt)
			} else {
				_ = workers[k].Process.Kill()
			}
			_ = workers[k].Wait()
			killed++
			later := killed%3 == 0 // until then the gang is smaller
			if !later {
				workers[k] = start()
			}
			again := false
			for len(done) == 0 && time.Since(began) < time.Minute {
				_, text, begun := strings.Cut(written()[before:], " begins with ")
				if again = begun && strings.Contains(text, " of "); again || strings.Count(written()[before:], " of ") > 25 { // it was no rank of the gang
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if again {
				slowest = max(slowest, time.Since(began))
				smaller = smaller || later
			}
			if later {
				workers[k] = start()
			}
		}
	}
	st, got := records(t, dir, "losses")
	if st.State != store.StudyCompleted || len(got) != 2 {
		t.Fatalf("%s with %d trials", st.State, len(got))
	}
	sizes := map[string]bool{}
	trained := 0
	for line := range strings.Lines(written()) {
		if _, size, ok := strings.Cut(strings.TrimSpace(line), " of "); ok {
			trained++
			sizes[size] = true
		}
	}
	if smaller && !sizes["2"] || !sizes["3"] {
		t.Errorf("the gangs had %v ranks, want 3, and 2 while a worker was missing", sizes)
	}
	db, err := store.OpenReadOnly(filepath.Join(dir, "budwood.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, rec := range got {
		if rec.State != search.Completed {
			t.Errorf("%s is %s: %s", rec.Name(), rec.State, rec.Reason)
		}
		curve, err := db.Curve(t.Context(), "losses", rec.ID)
		if err != nil {
			t.Fatal(err)
		}
		var budgets, want []int
		for i, m := range curve {
			budgets, want = append(budgets, m.Budget), append(want, i+1)
			if loss := m.Metrics["loss"]; loss != 1/float64(m.Budget) && loss != 3/float64(m.Budget) {
				t.Errorf("%s has the loss %v in epoch %d, which no gang of 2 or 3 comes to", rec.Name(), loss, m.Budget)
			}
		}
		if diff := gocmp.Diff(want, budgets); diff != "" || len(curve) != epochs {
			t.Errorf("%s has %d of %d epochs: %s", rec.Name(), len(curve), epochs, diff)
		}
	}
	t.Logf("%d workers killed, gangs of %v; %d epochs trained of %d; from a loss to the next epoch at most %v", killed, sizes, trained, 2*epochs, slowest.Round(time.Millisecond))
}

// Networks whose ranks are killed at random come to the same bits as undisturbed ones of
// one rank, and nothing is counted twice.
func TestGangOfNetworkLosesWorkers(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	kills := (*chaosKills + 1) / 2 // engine's TestRanksAreKilledAHundredTimes has more, in one process
	file := func(mesh string) string {
		digits, err := filepath.Abs("../../examples/digits/digits.csv.gz")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "net.yaml")
		text := fmt.Sprintf(`name: net
data: {csv: %q, target: digit, split: {valid: 0.2, test: 0.2, seed: 7}}
objective: {metric: valid_accuracy}
mesh: {data: 2%s}
search: {sampler: random, scheduler: none, seed: 3, parallel: 1, warm_start: "off"}
budget: {trials: 2, epochs: %d}
space: [{name: lr, float: [0.0001, 0.001], log: true}]
`, digits, mesh, 100*max(kills, 2))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	calm := home(t)
	if out, errs, code := doFor(t, 10*time.Minute, calm, "run", "--allow-outside", file("")); code != exitDone {
		t.Fatalf("undisturbed: exit code %d\n%s%s", code, out, errs)
	}
	dir := home(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(5+kills)*time.Minute)
	defer cancel()
	up, _, said := program(ctx, dir, "up", "--cpu", "1")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	defer up.Process.Kill()
	for len(processes(dir)) < 2 && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	start := func() *exec.Cmd {
		cmd, _, _ := program(ctx, dir, "worker", "--cpu", "1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	workers := []*exec.Cmd{start(), start()}
	defer func() {
		for _, w := range workers {
			_ = w.Process.Kill()
			_ = w.Wait()
		}
	}()
	run, out, errs := program(ctx, dir, "run", "--allow-outside", file(", ranks: 2, zero: 1"))
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- run.Wait() }()
	r := rand.New(rand.NewPCG(*chaosSeed, 3))
	killed := 0
	for waiting := true; waiting; {
		pause := time.Hour
		if killed < kills {
			pause = time.Duration(1500+r.IntN(2500)) * time.Millisecond
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatalf("%v\n%s%s%s", err, out, errs, said)
			}
			waiting = false
		case <-time.After(pause):
			k := r.IntN(len(workers))
			_ = workers[k].Process.Kill()
			_ = workers[k].Wait()
			workers[k] = start()
			killed++
		}
	}
	_, want := records(t, calm, "net")
	_, got := records(t, dir, "net")
	for i := range want {
		stripEnergy(&want[i])
		stripEnergy(&got[i])
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("(-undisturbed, one rank +two ranks through %d kills) %s", killed, diff)
	}
	t.Logf("%d workers killed", killed)
}
