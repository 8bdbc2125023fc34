package budwood

import (
	"context"
	"fmt"

	"budwood/search"
	"budwood/trials"
)

// Result is how a study stands or ended.
type Result struct {
	Study  string
	State  trials.StudyState
	Reason string           // why it ended, if not because its trials were done
	Best   *search.Record   // the best trial by the main objective, nil if none has a value
	Value  float64          // its objective, 0 without one
	Test   search.Metrics   // its score on the test set, of studies with data that ended
	Trials []search.Record  // all of them, by number; nil from [ReadBest]
	Count  int              // of trials
	Joules float64          // of all trials
	Main   search.Objective // what the study optimises
}

// ReadResult reads a study from the store.
func ReadResult(ctx context.Context, store *trials.Store, study string) (*Result, error) {
	r, err := readBest(ctx, store, study)
	if err != nil {
		return nil, err
	}
	if r.Trials, err = store.Records(ctx, study); err != nil {
		return nil, err
	}
	r.Count = len(r.Trials)
	for i := range r.Trials {
		r.Joules += r.Trials[i].Joules
	}
	return r, nil
}

// ReadBest is ReadResult without the trials, which takes as long for a hundred
// thousand of them as for ten.
func ReadBest(ctx context.Context, store *trials.Store, study string) (*Result, error) {
	r, err := readBest(ctx, store, study)
	if err != nil {
		return nil, err
	}
	list, err := store.Studies(ctx)
	for i := range list {
		if list[i].Name == study {
			r.Count, r.Joules = list[i].Count(), list[i].Energy.Joules
		}
	}
	return r, err
}

func readBest(ctx context.Context, store *trials.Store, study string) (*Result, error) {
	row, err := store.Study(ctx, study)
	if err != nil {
		return nil, err
	}
	best, err := store.Top(ctx, study, 1)
	if err != nil {
		return nil, err
	}
	r := &Result{Study: study, State: row.State, Reason: row.Reason, Test: row.Test, Main: row.Objectives[0]}
	if len(best) > 0 {
		r.Best = &best[0]
		m, _ := r.Best.Last()
		r.Value = m.Metrics[r.Main.Metric]
	}
	return r, nil
}

// String is the result in one line.
func (r *Result) String() string {
	if r.Best == nil {
		return fmt.Sprintf("study %s: %s, %d trials, none with a value", r.Study, r.State, r.Count)
	}
	return fmt.Sprintf("study %s: %s, %d trials, %.3g Wh; best %s: %s %.4g with %s", r.Study, r.State, r.Count, r.Joules/3600, r.Best.Name(), r.Main.Metric, r.Value, r.Best.Params)
}
