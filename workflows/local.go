package workflows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"

	"budwood/search"
	"budwood/trials"
)

// Local runs a study on goroutines, without a server: the same loop, sampler,
// scheduler, runner and store as the study workflow, its durable twin. A study
// that was interrupted decides again from its first trial on, and what the
// store already has is not trained again. A nil objective is the built-in one of a
// study with data, whose best trial is tested at the end.
func Local(ctx context.Context, spec *Spec, store *StoreActivities, runner *trials.Runner, objective trials.Objective) (StudyResult, error) {
	begun, err := store.Begin(ctx, BeginInput{Spec: *spec})
	if err != nil {
		var final *temporal.ApplicationError
		if errors.As(err, &final) { // without Temporal's words
			err = errors.New(final.Message())
		}
		return StudyResult{}, err
	}
	if spec.Data != nil && begun.Digests != nil { // what the trials' records know the data by
		own, d := *spec, *spec.Data
		d.Digests = begun.Digests
		own.Data, spec = &d, &own
	}
	var built *trials.Supervised
	if objective == nil {
		if spec.Data == nil {
			return StudyResult{}, fmt.Errorf("study %q: it has neither data nor an objective", spec.Name)
		}
		d, err := store.Data.Load(ctx, *spec.Data)
		if err != nil {
			return StudyResult{}, err
		}
		s, err := spec.model().supervised(d)
		if err != nil {
			return StudyResult{}, err
		}
		built, objective = &s, s.Objective
	}
	user, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	ctx = user
	if limit := time.Duration(spec.Budget.Time); limit > 0 {
		c, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the time budget of %s is spent", limit))
		defer cancel()
		ctx = c
	}
	l := &localStudy{
		spec: spec, store: store, runner: runner, objective: objective, built: built, user: user, recorded: map[int]search.Record{},
		loop: &search.Loop{Scheduler: newScheduler(spec), Parallel: spec.Search.Parallel, Trials: spec.Budget.Trials, Retrain: spec.retrain()},
		done: make(chan localDone, spec.Search.Parallel),
	}
	past, err := store.Store.Records(ctx, spec.Name)
	if err != nil {
		return StudyResult{}, err
	}
	for _, r := range past {
		l.recorded[r.ID] = r
		if r.Aside != "" {
			l.loop.Aside = append(l.loop.Aside, r.ID)
		}
	}
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := l.run(work, stop); err != nil {
		stop(err)
		leave(err)
		for range l.running { // nothing outlives the study
			<-l.done
		}
		return StudyResult{}, err
	}
	return l.finish(context.WithoutCancel(ctx), user.Err() != nil)
}

type localStudy struct {
	spec      *Spec
	store     *StoreActivities
	runner    *trials.Runner
	objective trials.Objective
	built     *trials.Supervised // the built-in objective; nil: the user's own
	user      context.Context    // what ends when the user ends the study; a time budget ends the search alone
	loop      *search.Loop
	board     Board
	joules    float64
	running   int
	done      chan localDone
	recorded  map[int]search.Record // what an earlier run of the program stored
}

type localDone struct {
	segment search.Segment
	trial   search.Trial
	result  trials.Result
	known   bool // an earlier run of the program stored it
	err     error
}

func (l *localStudy) run(ctx context.Context, stop context.CancelCauseFunc) error {
	if err := l.follow(ctx, l.loop.Begin()); err != nil {
		return err
	}
	left, closed := l.user.Done(), ctx.Done()
	for !l.loop.Finished {
		select {
		case <-left:
			left, closed = nil, nil
			if err := l.follow(ctx, l.loop.Stop(context.Cause(l.user).Error())); err != nil {
				return err
			}
		case <-closed:
			closed = nil
			if l.user.Err() != nil || l.loop.Final {
				continue
			}
			if err := l.follow(ctx, l.loop.Close(context.Cause(ctx).Error())); err != nil {
				return err
			}
		case d := <-l.done:
			l.running--
			if d.err != nil {
				return d.err
			}
			r := &d.result
			l.joules += r.Energy.Joules
			if !l.loop.IsAside(d.trial.ID) {
				l.board.add(l.spec.Objective, d.trial, r)
			}
			if limit := l.spec.Budget.EnergyWh; limit > 0 && l.joules/3600 >= limit && !l.loop.Final {
				stop(fmt.Errorf("the energy budget of %g Wh is spent", limit))
			}
			if why := l.spec.failing(&l.board, d.trial, r); why != "" && !d.known && !l.loop.Final {
				if err := l.follow(ctx, l.loop.Close(why)); err != nil {
					return err
				}
			}
			out := search.Outcome{Trial: d.trial.ID, Budget: r.Budget, State: r.State, Values: r.Values(l.spec.Objectives()), Reason: r.Reason}
			if err := l.follow(ctx, l.loop.Done(out)); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow carries out a decision. What it starts ends with work, or if the
// search is over with the user's own context; what it records does not.
func (l *localStudy) follow(work context.Context, d search.Decision) error {
	ctx := context.WithoutCancel(work)
	if l.loop.Final {
		work = l.user
	}
	for len(d.Ended) > 0 || len(d.Run) > 0 {
		l.board.end(d.Ended)
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
	if r, ok := l.recall(seg); ok {
		d.result, d.known = r, true
		return d
	}
	attempt := 0
	for {
		attempt++
		var failure *trials.ObjectiveError
		d.result, d.err = l.runner.Run(ctx, l.spec.task(seg, t), l.objective, nil)
		if !errors.As(d.err, &failure) {
			break
		}
		if attempt > l.spec.MaxRetries {
			d.err = nil // the result says it
			break
		}
	}
	if d.err == nil {
		d.err = l.store.Record(context.WithoutCancel(ctx), []trials.Report{report(l.spec.task(seg, t), &d.result, attempt)})
	}
	return d
}

// recall is what an earlier run of the program stored of a segment.
func (l *localStudy) recall(seg search.Segment) (trials.Result, bool) {
	rec := l.recorded[seg.Trial]
	if rec.Aside != "" { // it ends where it is
		last, _ := rec.Last()
		out := trials.Result{State: search.Paused, Reason: rec.Reason, Budget: last.Budget, Energy: trials.Energy{Joules: rec.Joules}}
		if rec.State.Ended() {
			out.State = rec.State
		}
		return out, true
	}
	before := 0. // watt-hours of the segments before: those of a measurement are the trial's so far
	for _, m := range rec.Measurements {
		if m.Budget == seg.To {
			return trials.Result{State: search.Paused, Budget: m.Budget, Final: m, Energy: trials.Energy{Joules: (m.Metrics[trials.EnergyWh] - before) * 3600}}, true
		}
		if m.Budget <= seg.From {
			before = m.Metrics[trials.EnergyWh]
		}
	}
	last, _ := rec.Last()
	if !rec.State.Ended() || rec.State == search.Stopped || last.Budget > seg.To || last.Budget < seg.From {
		return trials.Result{}, false
	}
	joules := max(last.Metrics[trials.EnergyWh]-before, 0) * 3600
	return trials.Result{State: rec.State, Reason: rec.Reason, Budget: last.Budget, Final: last, Energy: trials.Energy{Joules: joules}}, true
}

func (l *localStudy) finish(ctx context.Context, byUser bool) (StudyResult, error) {
	out := StudyResult{State: trials.StudyCompleted, Best: -1}
	if byUser {
		out.State = trials.StudyStopped
	}
	keep := l.spec.keeps()
	if len(l.board.Rows) > 0 {
		out.Best = l.board.Rows[0].Trial
		keep = append(keep, l.board.Rows[0].Checkpoint)
	}
	if err := l.runner.Blobs.DeleteAll(ctx, trials.StudyKey(l.spec.Name), keep...); err != nil {
		return out, err
	}
	reason := l.loop.Closing
	if out.Best >= 0 && l.built != nil {
		best := l.board.Rows[0]
		var err error
		if out.Test, err = l.built.Test(ctx, l.runner.Blobs, best.Checkpoint, best.Params, search.Rand(l.spec.Search.Seed, best.Trial).Uint64()); err != nil {
			reason = joinReasons(reason, "the best trial could not be tested: "+err.Error())
		}
	}
	return out, l.store.Finish(ctx, FinishInput{Study: l.spec.Name, State: out.State, Reason: reason, Best: out.Best, Test: out.Test})
}
