package study

import (
	"context"
	"fmt"
	"strings"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// A run on goroutines may die between two states that it stores. What the store has
// beyond the last one is recalled when the loop decides it again.

// recall reads what earlier runs of a study stored. Trials from a number on, of which
// the study's state does not know, and which stopped only because a run ended, are
// paused ones again; what was decided for another reason is decided again.
func (a *Recorder) recall(ctx context.Context, study string, from int) (map[int]search.Record, error) {
	past, err := a.Store.Records(ctx, study)
	if err != nil {
		return nil, err
	}
	out := map[int]search.Record{}
	var stopped []int
	for _, r := range past {
		out[r.ID] = r
		if r.ID >= from && r.Aside == "" && r.State == search.Stopped {
			stopped = append(stopped, r.ID)
		}
	}
	return out, a.Store.Revive(ctx, study, stopped)
}

// recalled is what an earlier run stored of a segment of a trial.
func recalled(study string, rec search.Record, seg search.Segment) (segment.Result, bool) {
	last, _ := rec.Last()
	if rec.Aside != "" { // it ends where it is
		out := segment.Result{State: search.Paused, Reason: rec.Reason, Budget: last.Budget, Energy: energy.Energy{Joules: rec.Joules}}
		if rec.State.Ended() {
			out.State = rec.State
		}
		return out, true
	}
	before := 0. // joules of the segments before: those of a measurement are the trial's so far
	result := func(state search.State, m search.Measurement) segment.Result {
		share := float64(m.Budget-seg.From) / float64(max(last.Budget, 1))
		return segment.Result{
			State: state, Budget: m.Budget, Final: m, Energy: energy.Energy{Joules: max(m.Metrics[trials.EnergyWh]*3600-before, 0)},
			Seconds: share * rec.Seconds, Checkpoint: trials.EndKey(study, seg.Trial, seg.To),
		}
	}
	for _, m := range rec.Measurements {
		if m.Budget == seg.To {
			return result(search.Paused, m), true
		}
		if m.Budget <= seg.From {
			before = m.Metrics[trials.EnergyWh] * 3600
		}
	}
	if !rec.State.Ended() || rec.State == search.Stopped || last.Budget > seg.To || last.Budget < seg.From {
		return segment.Result{}, false
	}
	out := result(rec.State, last)
	out.Reason, out.Energy.Joules = rec.Reason, max(out.Energy.Joules, rec.Joules-before)
	return out, true
}

// unreached takes over trials that earlier runs stored and this one did not come to, for
// its budget was spent before: what waits there ends with the study, and the best are
// those of the store. It returns the checkpoints of what goes on if the study does.
func (l *local) unreached(ctx context.Context) (waits []string, err error) {
	all, err := l.recorder.Store.Records(ctx, l.Spec.Name)
	if err != nil || len(all) <= l.Loop.Started {
		return nil, err
	}
	ids := make([]int, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	last, err := l.recorder.Store.LastSegments(ctx, l.Spec.Name, ids)
	if err != nil {
		return nil, err
	}
	var ended []search.Ending
	l.Leaderboard.Front, l.Leaderboard.Furthest = nil, 0
	for i := range all {
		r := &all[i]
		key := trials.EndKey(l.Spec.Name, r.ID, last[r.ID])
		if !r.State.Ended() {
			waits = append(waits, key)
			r.State = search.Stopped
			ended = append(ended, search.Ending{Trial: r.ID, State: r.State, Reason: fmt.Sprintf("paused at %d when the study ended", r.Epochs())})
		}
		if m, ok := r.Last(); ok && r.Aside == "" {
			seg := search.Segment{Trial: r.ID, Again: strings.HasPrefix(r.Source, retrainSource)}
			l.Leaderboard.addToFront(l.Spec.Objectives(), r.Trial, &segment.Result{State: r.State, Budget: m.Budget, Final: m, Checkpoint: key}, l.Spec.sharesWeights(seg))
			if l.Spec.Compress != nil {
				l.Leaderboard.plan(r.Trial)
			}
		}
	}
	if err := l.recorder.End(ctx, l.Spec.Name, ended); err != nil {
		return nil, err
	}
	now, err := l.recorder.aside(ctx, l.Spec.Name)
	l.Leaderboard.Rows = now.Top
	return waits, err
}
