package budwood

import (
	"context"
	"testing"
	"time"

	"budwood/search"
)

// Every trial is told once, also of a study that goes on, while it runs and one at a
// time.
func TestOnTrial(t *testing.T) {
	x := search.Float("x", 0, 1)
	told := map[int]int{}
	var calls []search.Record // a race if two came at a time
	s := Study{Name: "s", Space: search.Space{x}, Trials: 6, Epochs: 3, Parallel: 2, Home: t.TempDir()}
	s.OnTrial = func(r search.Record) {
		told[r.ID]++
		calls = append(calls, r)
	}
	run := func() {
		t.Helper()
		if _, err := s.Local(t.Context(), func(_ context.Context, t *Trial) error {
			for range t.Epochs() {
				t.Report(x.In(t))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	run()
	first := len(calls)
	s.Trials = 9
	run()
	if first != 6 || len(calls) != 9 || len(told) != 9 {
		t.Errorf("%d calls, then %d, of %d trials", first, len(calls), len(told))
	}
	for _, r := range calls {
		if !r.State.Ended() {
			t.Errorf("%s is told when it is %s", r.Name(), r.State)
		}
	}

	ctx, cancel := context.WithCancel(t.Context()) // a study that its callback ends
	s.Name, s.Trials, s.Parallel = "ends", 1000, 1
	s.OnTrial = func(search.Record) { cancel() }
	s.Scheduler = "none"
	r, err := s.Local(ctx, func(ctx context.Context, t *Trial) error {
		for range t.Epochs() {
			time.Sleep(5 * time.Millisecond)
			t.Report(x.In(t))
		}
		return nil
	})
	if err == nil && len(r.Trials) == 1000 {
		t.Error("the study was not ended")
	}
}

// The mesh of a study reaches its trials.
func TestMeshOfTrials(t *testing.T) {
	var got Mesh
	study := Study{Name: "meshed", Space: search.Space{search.Float("x", 0, 1)}, Trials: 1, Epochs: 1, Mesh: Mesh{Data: 4, Threads: 2}, Home: t.TempDir()}
	if _, err := study.Local(t.Context(), func(_ context.Context, tr *Trial) error {
		got = tr.Mesh()
		for range tr.Epochs() {
			tr.Report(1)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got.Data != 4 || got.Threads != 2 || got.Lane == nil {
		t.Errorf("%+v", got)
	}
}
