package trials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// counter is a model that can be saved: it counts the epochs it was trained.
type counter struct{ N int }

func (c *counter) Save(w io.Writer) error { return json.NewEncoder(w).Encode(c) }
func (c *counter) Load(r io.Reader) error { return json.NewDecoder(r).Decode(c) }

// counting reports 1/epochs as the loss.
func counting(c *counter) TrainFunc {
	return func(_ context.Context, t *Trial) error {
		*c = counter{}
		if err := t.Keep(c); err != nil {
			return err
		}
		for range t.Epochs() {
			c.N++
			t.Report(1 / float64(c.N))
		}
		return nil
	}
}

func testTask(from, to int) Task {
	return Task{
		Study: "s", Trial: search.Trial{ID: 3, Params: search.Params{"x": 1.}}, Seed: 7, From: from, To: to, Total: 27,
		Objectives: []search.Objective{{Metric: "loss", Goal: search.Minimize}},
	}
}

func testRunner(t *testing.T) *Runner {
	t.Helper()
	return &Runner{Blobs: blob.Dir(t.TempDir()), Meter: energy.NewAttributor(energy.Power{}), Every: time.Nanosecond}
}

func budgets(ms []search.Measurement) (out []int) {
	for _, m := range ms {
		out = append(out, m.Budget)
	}
	return out
}

func mustRun(t *testing.T, r *Runner, task Task, f TrainFunc) segment.Result {
	t.Helper()
	res, err := r.Run(context.Background(), task, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestSegmentsGoOnWhereTheLastOneEnded(t *testing.T) {
	r, c := testRunner(t), &counter{}
	first := mustRun(t, r, testTask(0, 3), counting(c))
	if first.State != search.Paused || first.Budget != 3 || c.N != 3 {
		t.Fatalf("first segment: %+v after %d epochs", first, c.N)
	}
	second := mustRun(t, r, testTask(3, 9), counting(c))
	if c.N != 9 || second.Final.Metrics["loss"] != 1/9. {
		t.Errorf("second segment trained to %d, loss %v", c.N, second.Final.Metrics["loss"])
	}
	if diff := cmp.Diff([]int{4, 5, 6, 7, 8, 9}, budgets(second.Curve)); diff != "" {
		t.Errorf("curve of the second segment: %s", diff)
	}
	if got, want := second.Final.Metrics[EnergyWh]*3600, first.Energy.Joules+second.Energy.Joules; math.Abs(got-want) > 1e-9*want {
		t.Errorf("energy of the trial is %v J, want %v J, of both segments", got, want)
	}
}

// A worker that dies in the middle of a segment loses what came after its last
// checkpoint, and nothing else.
func TestInterruptedSegment(t *testing.T) {
	r, c := testRunner(t), &counter{}
	mustRun(t, r, testTask(0, 3), counting(c))
	died := errors.New("power cut")
	_, err := r.Run(context.Background(), testTask(3, 9), func(ctx context.Context, t *Trial) error {
		if err := t.Keep(c); err != nil {
			return err
		}
		for epoch := range t.Epochs() {
			if epoch == 7 {
				return died
			}
			c.N++
			t.Report(1 / float64(c.N))
		}
		return nil
	}, nil)
	if !errors.Is(err, died) {
		t.Fatal(err)
	}
	trained := 0
	again := mustRun(t, r, testTask(3, 9), func(ctx context.Context, t *Trial) error {
		if err := t.Keep(c); err != nil {
			return err
		}
		for range t.Epochs() {
			trained++
			c.N++
			t.Report(1 / float64(c.N))
		}
		return nil
	})
	if trained != 3 || c.N != 9 {
		t.Errorf("after the checkpoint of epoch 6, %d epochs were trained, to %d; want 3, to 9", trained, c.N)
	}
	if diff := cmp.Diff([]int{4, 5, 6, 7, 8, 9}, budgets(again.Curve)); diff != "" {
		t.Errorf("curve: %s", diff)
	}
}

func TestWithoutKeepATrialStartsOver(t *testing.T) {
	r, n := testRunner(t), 0
	f := func(_ context.Context, t *Trial) error {
		for epoch := range t.Epochs() {
			n++
			t.Report(1 / float64(epoch))
		}
		return nil
	}
	first := mustRun(t, r, testTask(0, 3), f)
	second := mustRun(t, r, testTask(3, 9), f)
	if n != 3+9 {
		t.Errorf("%d epochs were trained, want 12", n)
	}
	if diff := cmp.Diff([]int{4, 5, 6, 7, 8, 9}, budgets(second.Curve)); diff != "" {
		t.Errorf("what was recorded before is not recorded again: %s", diff)
	}
	if got, want := second.Final.Metrics[EnergyWh]*3600, first.Energy.Joules+second.Energy.Joules; math.Abs(got-want) > 1e-9*want {
		t.Errorf("energy of the trial is %v J, want %v J: what was spent twice was spent", got, want)
	}
}

func TestEnds(t *testing.T) {
	at := func(epoch int, v float64) TrainFunc {
		return func(_ context.Context, t *Trial) error {
			for e := range t.Epochs() {
				if e == epoch {
					t.Report(v)
				} else {
					t.Report(1)
				}
			}
			return nil
		}
	}
	for _, c := range []struct {
		name   string
		f      TrainFunc
		state  search.State
		budget int
		reason string
	}{
		{"NaN", at(2, math.NaN()), search.Diverged, 1, "epoch 2: loss is NaN"},
		{"inf", at(3, math.Inf(1)), search.Diverged, 2, "epoch 3: loss is +Inf"},
		{"plateau", at(99, 0), search.Completed, 5, "epoch 5: no improvement over 1 for 4 epochs"},
		{"infeasible", func(context.Context, *Trial) error { return fmt.Errorf("%w: too wide", ErrInfeasible) }, search.Infeasible, 0, "infeasible: too wide"},
		{"diverged", func(context.Context, *Trial) error { return fmt.Errorf("%w: in layer 2", ErrDiverged) }, search.Diverged, 0, "diverged: in layer 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			task := testTask(0, 9)
			task.Patience = 4
			r := mustRun(t, testRunner(t), task, c.f)
			if r.State != c.state || r.Budget != c.budget || r.Reason != c.reason {
				t.Errorf("got %s at %d: %q\nwant %s at %d: %q", r.State, r.Budget, r.Reason, c.state, c.budget, c.reason)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name string
		f    TrainFunc
		want string
	}{
		{"error", func(context.Context, *Trial) error { return errors.New("no such file: train.bin") }, "no such file: train.bin"},
		{"panic", func(context.Context, *Trial) error { panic("index out of range") }, "runner_test.go"},
		{"silence", func(_ context.Context, t *Trial) error {
			for range t.Epochs() {
			}
			return nil
		}, "without a report"},
		{"other metric", func(_ context.Context, t *Trial) error {
			for range t.Epochs() {
				t.ReportAll(search.Metrics{"accuracy": 1})
			}
			return nil
		}, `"loss" is not among the reported metrics [accuracy]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := testRunner(t).Run(context.Background(), testTask(0, 3), c.f, nil)
			var failure *ObjectiveError
			if !errors.As(err, &failure) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an ObjectiveError with %q", err, c.want)
			}
		})
	}
}

func TestFullBudgetCompletes(t *testing.T) {
	r := mustRun(t, testRunner(t), testTask(0, 27), counting(&counter{}))
	if r.State != search.Completed || r.Reason != "trained to the full budget of 27" {
		t.Errorf("got %s: %q", r.State, r.Reason)
	}
}

func TestStoppedTrialKeepsItsCheckpoint(t *testing.T) {
	r, c := testRunner(t), &counter{}
	ctx, stop := context.WithCancelCause(context.Background())
	res, err := r.Run(ctx, testTask(0, 9), counting(c), func(m search.Measurement) {
		if m.Budget == 4 {
			stop(errors.New("the study was stopped"))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if res.State != search.Stopped || res.Budget != 4 || res.Reason != "the study was stopped" {
		t.Errorf("got %s at %d: %s", res.State, res.Budget, res.Reason)
	}
	f, err := r.Blobs.Get(context.Background(), res.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	c2, _, err := readCheckpoint(f)
	if err != nil {
		t.Fatal(err)
	}
	c2.Close()
}

// Machine trouble is no failure of the objective: it is retried for free.
func TestUnwritableCheckpoint(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "studies"), nil, 0o600); err != nil { // a file where a directory must be
		t.Fatal(err)
	}
	r := testRunner(t)
	r.Blobs = blob.Dir(dir)
	_, err := r.Run(context.Background(), testTask(0, 9), counting(&counter{}), nil)
	var failure *ObjectiveError
	if err == nil || errors.As(err, &failure) {
		t.Errorf("got %v, want an error that is not the objective's", err)
	}
}

func TestDirDeletesAllButKept(t *testing.T) {
	ctx, d := context.Background(), blob.Dir(t.TempDir())
	put := func(key string) {
		if err := d.Put(ctx, key, func(w io.Writer) error { _, err := io.WriteString(w, key); return err }); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []string{"studies/a/t0000/e0001", "studies/a/t0001/e0001", "studies/ab/t0000/e0001"} {
		put(k)
	}
	if err := d.DeleteAll(ctx, "studies/a", "studies/a/t0001/e0001"); err != nil {
		t.Fatal(err)
	}
	var left []string
	err := filepath.WalkDir(string(d), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(string(d), path)
			left = append(left, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"studies/a/t0001/e0001", "studies/ab/t0000/e0001"}, left); diff != "" {
		t.Error(diff)
	}
	if err := d.Put(ctx, "../escape", func(io.Writer) error { return nil }); err == nil {
		t.Error("a key outside the directory was accepted")
	}
}
