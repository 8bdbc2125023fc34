package study

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"budwood/search"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// Import records a study that another tool has run, as one that has ended: its trials
// with what was measured then. Nothing is trained. A study of that name must not exist,
// unless it is the same import that was interrupted, which then goes on.
func (a *Recorder) Import(ctx context.Context, spec Spec, trials []search.Record, reason string) error {
	raw, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	row := store.Study{Name: spec.Name, Spec: raw, Objectives: spec.Objectives(), Space: spec.Space, State: store.StudyRunning, Best: -1}
	old, created, err := a.Store.Begin(ctx, row)
	if err != nil {
		return err
	}
	if !created && (old.State != store.StudyRunning || string(old.Spec) != string(raw)) {
		return &FinalError{"StudyExists", fmt.Errorf("a study %s exists already; give this one another name", spec.Name)}
	}
	const some = 500 // in one transaction
	for part := range slices.Chunk(trials, some) {
		list := make([]search.Trial, len(part))
		for i, r := range part {
			list[i] = r.Trial
		}
		if _, err := a.Store.Add(ctx, spec.Name, list); err != nil {
			return err
		}
	}
	best := -1
	var least float64
	for _, r := range trials {
		report := segment.Report{Key: segment.Key{Study: spec.Name, Trial: r.ID, To: 1}, Attempt: 1,
			Result: segment.Result{State: r.State, Reason: r.Reason, Seconds: r.Seconds, Curve: r.Measurements}}
		if m, ok := r.Last(); ok {
			report.Final, report.To = m, max(m.Budget, 1)
			report.Budget = report.To
		}
		if _, err := a.Store.Record(ctx, report); err != nil {
			return err
		}
		if loss, ok := r.Loss(spec.Objective); ok && r.State.Usable() && (best < 0 || loss < least) {
			best, least = r.ID, loss
		}
	}
	return a.Store.Finish(ctx, spec.Name, store.StudyCompleted, reason, best, nil)
}
