package workflows

import (
	"context"
	"errors"
	"testing"

	"budwood/search"
	"budwood/study"
	"budwood/trials"
)

// Ten failures and no value end a study, in the workflow and without.
func TestMaxFailed(t *testing.T) {
	spec := &study.Spec{Name: "fails", Space: search.Space{search.Float("x", 0, 1)},
		Search: study.Search{Sampler: "random", Scheduler: "none", Parallel: 1, WarmStart: "off"}, Budget: study.Budget{Trials: 30, Epochs: 1}}
	if err := spec.Complete(); err != nil {
		t.Fatal(err)
	}
	objective := func(context.Context, *trials.Trial) error {
		return errors.New("exit status 1\nTraceback\nno module named torch")
	}
	here, there := newBench(t, objective), newBench(t, objective)
	_, list := there.twin(t, spec, here)
	row, err := there.store.Store.Study(t.Context(), "fails")
	if want := "10 trials failed, the last one t0009: exit status 1: no module named torch"; err != nil || len(list) != 10 || row.Reason != want {
		t.Errorf("%d trials, %q, %v, want %q", len(list), row.Reason, err, want)
	}
}
