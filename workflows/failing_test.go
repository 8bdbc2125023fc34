package workflows

import (
	"context"
	"errors"
	"strings"
	"testing"

	"budwood/search"
	"budwood/trials"
)

// Ten failures and no value end a study, in the workflow and without; so do as many
// as max_failed says. Run again with the program mended it goes on.
func TestMaxFailed(t *testing.T) {
	spec := func(limit, parallel int) *Spec {
		s := &Spec{Name: "fails", Space: search.Space{search.Float("x", 0, 1)}, MaxFailed: limit,
			Search: Search{Sampler: "random", Scheduler: "none", Parallel: parallel, WarmStart: "off"}, Budget: Budget{Trials: 30, Epochs: 1}}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	broken := true
	objective := func(_ context.Context, t *trials.Trial) error {
		if broken || t.ID%3 == 2 {
			return errors.New("exit status 1\nTraceback\nno module named torch")
		}
		for range t.Epochs() {
			t.Report(1)
		}
		return nil
	}
	here, there := newBench(t, objective), newBench(t, objective)
	_, list := there.twin(t, spec(0, 1), here)
	row, err := here.store.Store.Study(t.Context(), "fails")
	if want := "10 trials failed, the last one t0009: exit status 1: no module named torch"; err != nil || len(list) != 10 || row.Reason != want {
		t.Errorf("%d trials, %q, %v, want %q", len(list), row.Reason, err, want)
	}

	broken = false
	if _, err := Local(t.Context(), spec(0, 1), here.store.Recorder, here.train.Runner, objective); err != nil {
		t.Fatal(err)
	}
	if n := len(here.records(t, "fails")); n != 30 {
		t.Errorf("%d trials when it is mended, want 30", n)
	}

	b := newBench(t, objective)
	if _, err := Local(t.Context(), spec(2, 1), b.store.Recorder, b.train.Runner, objective); err != nil {
		t.Fatal(err)
	}
	row, err = b.store.Store.Study(t.Context(), "fails")
	if n := len(b.records(t, "fails")); err != nil || n != 6 || !strings.HasPrefix(row.Reason, "2 trials failed, the last one t0005") {
		t.Errorf("max_failed 2: %d trials, %q, %v", n, row.Reason, err)
	}
}
