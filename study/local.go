package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"budwood/learn/network"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/energy"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// Local runs a study on goroutines, without a server: the same loop, sampler,
// scheduler, runner and store as the study workflow, its durable twin. A study
// that was interrupted decides again from its first trial on, and what the
// store already has is not trained again. A nil objective is the built-in one of a
// study with data, whose best trial is tested at the end.
//
// When ctx ends, so does the run and not the study: what it was training goes on
// when the study is run again. The result is that of so far, and the error wraps
// the context's cause.
func Local(ctx context.Context, spec *Spec, store *Recorder, runner *trials.Runner, objective trials.TrainFunc) (StudyResult, error) {
	begun, err := store.Begin(ctx, BeginInput{Spec: *spec})
	if err != nil {
		return StudyResult{}, err
	}
	if spec.Data != nil && begun.Digests != nil { // what the trials' records know the data by
		own, d := *spec, *spec.Data
		d.Digests = begun.Digests
		own.Data, spec = &d, &own
	}
	var built *network.Supervised
	if objective == nil {
		if spec.Data == nil {
			return StudyResult{}, fmt.Errorf("study %q: it has neither data nor an objective", spec.Name)
		}
		d, err := store.Data.Load(ctx, *spec.Data)
		if err != nil {
			return StudyResult{}, err
		}
		s, err := spec.Model().Supervised(d)
		if err != nil {
			return StudyResult{}, err
		}
		s.Room = Offer{CPU: spec.Search.Parallel}.Complete().Room(spec.Resources, d.Bytes(), "this process")
		built, objective = &s, s.Train
	}
	l := &localStudy{
		spec: spec, store: store, runner: runner, objective: objective, built: built, recorded: map[int]search.Record{}, joules: map[int]float64{}, began: time.Now(),
		loop: spec.NewLoop(true),
		done: make(chan localDone, spec.Search.Parallel),
	}
	if begun.Carry != nil {
		l.began = l.began.Add(-begun.Carry.Elapsed)
	}
	if err := l.recall(ctx); err != nil {
		return StudyResult{}, err
	}
	// An end of the caller's context interrupts what trains, it stops no trial.
	user, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	defer leave(nil)
	defer context.AfterFunc(ctx, func() { leave(trials.ErrInterrupted) })()
	l.user = user
	work, stop := context.WithCancelCause(user)
	defer stop(nil)
	if limit := time.Duration(spec.Budget.Time); limit > 0 {
		c, cancel := context.WithDeadlineCause(work, l.began.Add(limit), fmt.Errorf("the time budget of %s is spent", limit))
		defer cancel()
		work = c
	}
	err = l.run(ctx, work, stop)
	if err != nil {
		stop(err)
		leave(err)
	}
	for range l.running { // nothing outlives the run
		if d := <-l.done; d.err == nil && err == nil && !l.loop.IsAside(d.trial.ID) {
			l.board.Add(l.spec.Objective, d.trial, &d.result)
		}
	}
	switch {
	case err != nil:
		return StudyResult{}, err
	case !l.loop.Finished:
		return l.interrupted(ctx)
	}
	return l.finish(context.WithoutCancel(ctx))
}

type localStudy struct {
	spec      *Spec
	store     *Recorder
	runner    *trials.Runner
	objective trials.TrainFunc
	built     *network.Supervised // the built-in objective; nil: the user's own
	user      context.Context     // of what is trained after the search, which a time budget does not end
	loop      *search.Loop
	board     Board
	spent     Reserve
	began     time.Time // as if it had run all the time since
	kept      time.Time // when its time so far was stored
	running   int
	done      chan localDone
	recorded  map[int]search.Record // what an earlier run of the program stored
	joules    map[int]float64       // that it spent, by trial, until the trial goes on
}

type localDone struct {
	segment search.Segment
	trial   search.Trial
	result  segment.Result
	known   bool // an earlier run of the program stored it
	err     error
}

// run follows the loop until the study is over, or until ctx ends.
func (l *localStudy) run(ctx, work context.Context, stop context.CancelCauseFunc) error {
	if l.overspent(stop); work.Err() != nil && ctx.Err() == nil && l.spec.Retrain.Best == 0 {
		l.loop.Closing = context.Cause(work).Error() // an earlier run has spent it: nothing begins
	}
	if err := l.follow(work, l.loop.Begin()); err != nil {
		return err
	}
	closed := work.Done()
	closing := func() error {
		closed = nil
		if ctx.Err() != nil || l.loop.Final {
			return nil
		}
		return l.follow(work, l.loop.Close(context.Cause(work).Error()))
	}
	for !l.loop.Finished {
		select {
		case <-ctx.Done():
			return nil
		case <-closed:
			if err := closing(); err != nil {
				return err
			}
		case d := <-l.done:
			l.running--
			if errors.Is(d.err, trials.ErrInterrupted) && ctx.Err() != nil {
				return nil
			}
			if d.err != nil {
				return d.err
			}
			l.spend(&d)
			if l.overspent(stop); closed != nil && work.Err() != nil { // before its outcome, which would start more
				if err := closing(); err != nil {
					return err
				}
			}
			next, err := l.outcome(work, d)
			if err != nil {
				return err
			}
			if err := l.follow(work, next); err != nil {
				return err
			}
			if err := l.keepTime(ctx, time.Second); err != nil {
				return err
			}
		}
	}
	return nil
}

// spend counts what a segment has taken, but for what an earlier run has spent,
// which counts from the beginning.
func (l *localStudy) spend(d *localDone) {
	r := &d.result
	if !d.known {
		l.spent.Joules += max(r.Energy.Joules-l.storedOf(d.segment), 0)
	}
	l.spent.Seconds += r.Seconds
	l.spent.Epochs += max(r.Budget-d.segment.From, 0)
	l.spent.Segments++
	l.spent.Elapsed = time.Since(l.began)
}

// storedOf is what an earlier run stored of the energy of a segment that was
// interrupted: its result is that of the whole.
func (l *localStudy) storedOf(seg search.Segment) float64 {
	rec, ok := l.recorded[seg.Trial]
	if !ok || l.joules[seg.Trial] == 0 {
		return 0
	}
	before := 0.
	for _, m := range rec.Measurements {
		if m.Budget <= seg.From {
			before = m.Metrics[trials.EnergyWh] * 3600
		}
	}
	out := l.joules[seg.Trial] - before
	delete(l.joules, seg.Trial)
	return out
}

// overspent ends the search if its energy is spent.
func (l *localStudy) overspent(stop context.CancelCauseFunc) {
	if limit := l.spec.Budget.EnergyWh; limit > 0 && l.spent.Joules/3600 >= limit && !l.loop.Final {
		stop(fmt.Errorf("the energy budget of %g Wh is spent", limit))
	}
}

// outcome takes one segment's result.
func (l *localStudy) outcome(work context.Context, d localDone) (search.Decision, error) {
	r := &d.result
	if !l.loop.IsAside(d.trial.ID) {
		l.board.Add(l.spec.Objective, d.trial, r)
		l.board.AddToFront(l.spec.Objectives(), d.trial, r, l.spec.SharesWeights(d.segment))
	}
	if why := l.spec.Failing(&l.board, d.trial, r); why != "" && !d.known && !l.loop.Final {
		if err := l.follow(work, l.loop.Close(why)); err != nil {
			return search.Decision{}, err
		}
	}
	if r.State == search.Stopped && !d.known { // by the end of a budget
		return l.loop.Interrupt(d.trial.ID, r.Cost(d.segment)), nil
	}
	if l.loop.Closing == "" && !l.loop.Final && !d.known {
		l.loop.Settling = l.spec.Concluding(&l.board, l.spent, l.loop.Running, l.loop.Settling)
	}
	return l.loop.Done(r.Outcome(d.trial.ID, l.spec.Objectives())), nil
}

// keepTime stores how long the study has run, if that was not done for a while: its
// budget of time is for all its runs.
func (l *localStudy) keepTime(ctx context.Context, every time.Duration) error {
	if time.Since(l.kept) < every {
		return nil
	}
	l.kept = time.Now()
	carry, err := json.Marshal(Carry{Elapsed: time.Since(l.began)})
	if err != nil {
		return err
	}
	return l.store.Store.SetCarry(context.WithoutCancel(ctx), l.spec.Name, carry)
}

// follow carries out a decision. What it starts ends with work, or if the
// search is over with the user's own context; what it records does not.
func (l *localStudy) follow(work context.Context, d search.Decision) error {
	ctx := context.WithoutCancel(work)
	if l.loop.Final {
		work = l.user
	}
	for len(d.Ended) > 0 || len(d.Run) > 0 {
		l.board.End(d.Ended)
		if err := l.store.End(ctx, l.spec.Name, d.Ended); err != nil {
			return err
		}
		found, err := l.store.Start(ctx, StartInput{Study: l.spec.Name, Segments: d.Run})
		if err != nil {
			return err
		}
		candidates := map[int]search.Trial{}
		for _, t := range found {
			candidates[t.ID] = t
		}
		segments := d.Run
		d = search.Decision{}
		for _, seg := range segments {
			t, ok := candidates[seg.Trial]
			if !ok {
				more := l.loop.Exhausted(seg.Trial)
				d.Run, d.Ended = append(d.Run, more.Run...), append(d.Ended, more.Ended...)
				continue
			}
			l.running++
			go func() { l.done <- l.segment(work, seg, t) }()
		}
	}
	return nil
}

// segment trains a segment and records it, or finds it recorded.
func (l *localStudy) segment(ctx context.Context, seg search.Segment, t search.Trial) localDone {
	d := localDone{segment: seg, trial: t}
	if r, ok := l.known(seg); ok {
		d.result, d.known = r, true
		return d
	}
	task, attempt := l.spec.Task(seg, t), 0
	if task.Tried, d.err = l.store.Store.Attempt(context.WithoutCancel(ctx), l.spec.Name, t.ID, seg.To); d.err != nil {
		return d
	}
	for {
		attempt++
		var failure *trials.ObjectiveError
		d.result, d.err = l.runner.Run(ctx, task, l.objective, nil)
		if !errors.As(d.err, &failure) {
			break
		}
		if attempt > l.spec.MaxRetries {
			d.err = nil // the result says it
			break
		}
	}
	if d.err == nil {
		d.err = l.store.Record(context.WithoutCancel(ctx), []segment.Report{task.Report(d.result, attempt)})
	}
	return d
}

// recall reads what earlier runs of the program stored. What stopped only because
// they ended goes on; what was decided for another reason is decided again.
func (l *localStudy) recall(ctx context.Context) error {
	past, err := l.store.Store.Records(ctx, l.spec.Name)
	if err != nil {
		return err
	}
	var stopped []int
	for _, r := range past {
		switch {
		case r.Aside != "":
			l.loop.Aside = append(l.loop.Aside, r.ID)
		case r.State == search.Stopped:
			stopped = append(stopped, r.ID)
		}
	}
	if err := l.store.Store.Revive(ctx, l.spec.Name, stopped); err != nil {
		return err
	}
	for _, r := range past {
		l.recorded[r.ID] = r
		l.joules[r.ID] = r.Joules
		l.spent.Joules += r.Joules
	}
	return nil
}

// known is what an earlier run of the program stored of a segment.
func (l *localStudy) known(seg search.Segment) (segment.Result, bool) {
	rec := l.recorded[seg.Trial]
	last, _ := rec.Last()
	if rec.Aside != "" { // it ends where it is
		out := segment.Result{State: search.Paused, Reason: rec.Reason, Budget: last.Budget, Energy: energy.Energy{Joules: rec.Joules}}
		if rec.State.Ended() {
			out.State = rec.State
		}
		return out, true
	}
	before := 0. // watt-hours of the segments before: those of a measurement are the trial's so far
	result := func(state search.State, m search.Measurement) segment.Result {
		share := float64(m.Budget-seg.From) / float64(max(last.Budget, 1))
		return segment.Result{
			State: state, Budget: m.Budget, Final: m, Energy: energy.Energy{Joules: max(m.Metrics[trials.EnergyWh]-before, 0) * 3600},
			Seconds: share * rec.Seconds, Checkpoint: trials.EndKey(l.spec.Name, seg.Trial, seg.To),
		}
	}
	for _, m := range rec.Measurements {
		if m.Budget == seg.To {
			return result(search.Paused, m), true
		}
		if m.Budget <= seg.From {
			before = m.Metrics[trials.EnergyWh]
		}
	}
	if !rec.State.Ended() || rec.State == search.Stopped || last.Budget > seg.To || last.Budget < seg.From {
		return segment.Result{}, false
	}
	out := result(rec.State, last)
	out.Reason = rec.Reason
	return out, true
}

// interrupted is the result of a run that ended before its study did.
func (l *localStudy) interrupted(ctx context.Context) (StudyResult, error) {
	if err := l.keepTime(ctx, 0); err != nil {
		return StudyResult{}, err
	}
	why := context.Cause(ctx)
	out := StudyResult{State: store.StudyStopped, Best: l.board.Best()}
	finish := FinishInput{Study: l.spec.Name, State: out.State, Reason: fmt.Sprintf("its run was interrupted (%v); run again, it goes on", why), Best: out.Best}
	if err := l.store.Finish(context.WithoutCancel(ctx), finish); err != nil {
		return out, err
	}
	return out, fmt.Errorf("study %q: interrupted; run again, it goes on: %w", l.spec.Name, why)
}

// complete takes over what earlier runs stored and this one did not come to, for its
// budget was spent before: what waits there ends with the study, and the best are
// those of the store. It returns the checkpoints of what goes on if the study does.
func (l *localStudy) complete(ctx context.Context) (waits []string, err error) {
	all, err := l.store.Store.Records(ctx, l.spec.Name)
	if err != nil {
		return nil, err
	}
	ids := make([]int, len(all))
	for i := range all {
		ids[i] = all[i].ID
	}
	last, err := l.store.Store.LastSegments(ctx, l.spec.Name, ids)
	if err != nil {
		return nil, err
	}
	var ended []search.Ending
	l.board.Front, l.board.Furthest = nil, 0
	for i := range all {
		r := &all[i]
		key := trials.EndKey(l.spec.Name, r.ID, last[r.ID])
		if !r.State.Ended() {
			waits = append(waits, key)
			r.State = search.Stopped
			ended = append(ended, search.Ending{Trial: r.ID, State: r.State, Reason: fmt.Sprintf("paused at %d when the study ended", r.Epochs())})
		}
		if m, ok := r.Last(); ok && r.Aside == "" {
			seg := search.Segment{Trial: r.ID, Again: strings.HasPrefix(r.Source, retrainSource)}
			l.board.AddToFront(l.spec.Objectives(), r.Trial, &segment.Result{State: r.State, Budget: m.Budget, Final: m, Checkpoint: key}, l.spec.SharesWeights(seg))
		}
	}
	if err := l.store.End(ctx, l.spec.Name, ended); err != nil {
		return nil, err
	}
	now, err := l.store.aside(ctx, l.spec.Name)
	l.board.Rows = now.Top
	return waits, err
}

func (l *localStudy) finish(ctx context.Context) (StudyResult, error) {
	waits, err := l.complete(ctx)
	if err != nil {
		return StudyResult{}, err
	}
	out := StudyResult{State: store.StudyCompleted, Best: l.board.Best()}
	if err := l.keepTime(ctx, 0); err != nil {
		return out, err
	}
	keep := append(l.spec.Kept(&l.board, l.loop), waits...)
	if err := l.runner.Blobs.DeleteAll(ctx, trials.StudyKey(l.spec.Name), keep...); err != nil {
		return out, err
	}
	reason := Ending(l.loop)
	if out.Best >= 0 && l.built != nil {
		best := l.board.Rows[0]
		if out.Test, err = l.built.Test(ctx, l.runner.Blobs, best.Checkpoint, best.Params, search.Rand(l.spec.Search.Seed, best.Trial).Uint64()); err != nil {
			reason = JoinReasons(reason, "the best trial could not be tested: "+err.Error())
		}
	}
	return out, l.store.Finish(ctx, FinishInput{Study: l.spec.Name, State: out.State, Reason: reason, Best: out.Best, Test: out.Test})
}
