package study

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"budwood/learn/network"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// Result is how a study ended.
type Result struct {
	State store.StudyState `json:"state"`
	Best  int              `json:"best"` // trial, -1: none
	Test  search.Metrics   `json:"test,omitempty"`
}

// Local runs a study on goroutines, without a server, by the same [Progress] as the
// study workflow, its durable twin. A study that ended or was interrupted goes on from
// the state that it kept, whichever of the two kept it; what the store has beyond that
// is not trained again. A nil objective is the study's command, all ranks of which run
// here, or the built-in one of a study with data, whose best trial is tested at the end.
//
// When ctx ends, so does the run and not the study: what it was training goes on
// when the study is run again. The result is that of so far, and the error wraps
// the context's cause.
func Local(ctx context.Context, spec *Spec, recorder *Recorder, runner *trials.Runner, objective trials.TrainFunc) (Result, error) {
	begun, err := recorder.Begin(ctx, BeginInput{Spec: *spec})
	if err != nil {
		return Result{}, err
	}
	if spec.Data != nil && begun.Digests != nil { // what the trials' records know the data by
		own, d := *spec, *spec.Data
		d.Digests = begun.Digests
		own.Data, spec = &d, &own
	}
	if begun.Teacher != nil || begun.Clock != nil {
		own := *spec
		own.Teacher, own.Clock, spec = cmp.Or(begun.Teacher, spec.Teacher), begun.Clock, &own
	}
	l := &local{recorder: recorder, runner: runner, objective: objective, done: make(chan localDone, spec.Search.Parallel)}
	switch {
	case objective == nil && spec.Command != nil:
		l.objective = spec.Program().Train(func(t *trials.Trial, b []byte) {
			if err := runner.KeepOutput(ctx, spec.Name, t.ID, 0, b); err != nil {
				runner.Log.Warn().Err(err).Str("trial", t.Name()).Msg("its output could not be kept")
			}
		})
	case objective == nil:
		if l.built, err = l.supervised(ctx, spec); err != nil {
			return Result{}, err
		}
		l.objective = l.built.Train
	}
	var first search.Decision
	if l.Progress, first, err = Begin(spec, &begun, time.Now()); err != nil {
		return Result{}, err
	}
	if l.recorded, err = recorder.recall(ctx, spec.Name, l.Loop.Started); err != nil {
		return Result{}, err
	}
	// An end of the caller's context interrupts what trains, it stops no trial.
	user, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	defer leave(nil)
	defer context.AfterFunc(ctx, func() { leave(trials.ErrInterrupted) })()
	l.user = user
	work, stop := context.WithCancelCause(user)
	defer stop(nil)
	l.stop = stop
	if limit := time.Duration(spec.Budget.Time); limit > 0 {
		c, cancel := context.WithDeadlineCause(work, l.Began.Add(limit), errors.New(spec.TimeSpent()))
		defer cancel()
		work = c
	}
	err = l.run(ctx, work, first)
	state, unkept := l.state() // before what comes too late
	if err = errors.Join(err, unkept); err != nil {
		stop(err)
		leave(err)
	}
	for range l.running { // nothing outlives the run
		if d := <-l.done; d.err == nil && err == nil && !l.Loop.IsAside(d.trial.ID) {
			l.Leaderboard.add(spec.Objective, d.trial, &d.result)
		}
	}
	switch {
	case err != nil:
		return Result{}, err
	case !l.Loop.Finished:
		return l.interrupted(ctx, state)
	}
	return l.finish(ctx)
}

// local is one run of a study on goroutines.
type local struct {
	*Progress
	recorder  *Recorder
	runner    *trials.Runner
	objective trials.TrainFunc
	built     *network.Supervised // the built-in objective; nil: the user's own
	user      context.Context     // of what is trained after the search, which a time budget does not end
	stop      context.CancelCauseFunc
	kept      time.Time // when the state was stored
	running   int
	done      chan localDone
	recorded  map[int]search.Record // what earlier runs stored
}

type localDone struct {
	segment search.Segment
	trial   search.Trial
	result  segment.Result
	known   bool // an earlier run stored it
	err     error
}

// supervised is the built-in objective.
func (l *local) supervised(ctx context.Context, spec *Spec) (*network.Supervised, error) {
	if spec.Data == nil {
		return nil, fmt.Errorf("study %q: it has neither data nor an objective", spec.Name)
	}
	d, err := l.recorder.Data.Load(ctx, *spec.Data)
	if err != nil {
		return nil, err
	}
	s, err := spec.Model().Trainable(d, l.recorder.Data, l.runner.Blobs)
	if err != nil {
		return nil, err
	}
	s.Room = Offer{CPU: spec.Search.Parallel * max(spec.Resources.CPU, 1)}.Complete().Room(spec.Resources, d.Bytes(), "this process")
	return &s, nil
}

// run follows the progress until the study is over, or until ctx ends.
func (l *local) run(ctx, work context.Context, d search.Decision) error {
	d.Add(l.Open(l.Spec.Search.Parallel, time.Now()))
	if err := l.follow(work, d); err != nil {
		return err
	}
	over := work.Done()
	end := func() error {
		over = nil
		if ctx.Err() != nil {
			return nil
		}
		return l.follow(work, l.Finish(context.Cause(work).Error(), true))
	}
	for !l.Loop.Finished {
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			if err := end(); err != nil {
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
			if over != nil && work.Err() != nil { // before its outcome, which would start more
				if err := end(); err != nil {
					return err
				}
			}
			l.Saw(d.segment, &d.result)
			next := l.Take(Outcome{Segment: d.segment, Trial: d.trial, Result: &d.result, Recalled: d.known}, time.Now())
			if l.Stopping && over != nil { // the energy is spent
				over = nil
				l.stop(errors.New(l.Loop.Closing))
			}
			if err := l.follow(work, next); err != nil {
				return err
			}
			if err := l.keep(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow carries out a decision. What it starts ends with work, or if the
// search is over with the user's own context; what it records does not.
func (l *local) follow(work context.Context, d search.Decision) error {
	ctx := context.WithoutCancel(work)
	if l.Loop.Final {
		work = l.user
	}
	for {
		l.Waiting = append(l.Waiting, d.Run...)
		if len(d.Ended) == 0 && len(l.Waiting) == 0 {
			return nil
		}
		l.End(d.Ended)
		if err := l.recorder.End(ctx, l.Spec.Name, d.Ended); err != nil {
			return err
		}
		in := l.Next()
		found, err := l.recorder.Start(ctx, in)
		if err != nil {
			return err
		}
		segments, of, more := l.Started(in, found)
		for i, seg := range segments {
			l.running++
			before := l.Before(seg)
			go func() { l.done <- l.segment(work, seg, of[i], before) }()
		}
		d = more
	}
}

// segment trains a segment and records it, or finds it recorded.
func (l *local) segment(ctx context.Context, seg search.Segment, t search.Trial, before Beside) localDone {
	d := localDone{segment: seg, trial: t}
	if r, ok := recalled(l.Spec.Name, l.recorded[t.ID], seg); ok {
		d.result, d.known = r, true
		return d
	}
	task, attempt := l.Spec.Task(seg, t), 0
	if task.Tried, d.err = l.recorder.Store.Attempt(context.WithoutCancel(ctx), l.Spec.Name, t.ID, seg.To); d.err != nil {
		return d
	}
	for {
		attempt++
		var failure *trials.ObjectiveError
		d.result, d.err = l.train(ctx, task, &before)
		if !errors.As(d.err, &failure) {
			break
		}
		if attempt > l.Spec.MaxRetries {
			d.err = nil // the result says it
			break
		}
	}
	if d.err == nil {
		d.err = l.recorder.Record(context.WithoutCancel(ctx), []segment.Report{task.Report(d.result, attempt)})
	}
	return d
}

// train trains a segment, of a network by all its ranks.
func (l *local) train(ctx context.Context, task trials.Task, before *Beside) (segment.Result, error) {
	if l.built == nil || !task.Mesh.Ranks.Several() {
		return l.runner.Run(ctx, task, l.objective, nil)
	}
	r, spent, err := l.runner.RunRanks(ctx, task.Mesh.Ranks.Here(task.Mesh.Threads), task, l.objective, nil)
	r = before.Whole(r, spent)
	before.Segment = r.Beside // another attempt goes on from there
	return r, err
}

// state is what the study goes on from if this process ends now: then what runs was
// interrupted.
func (l *local) state() (json.RawMessage, error) {
	s, err := l.State(time.Now())
	if err != nil {
		return nil, err
	}
	s.Loop, s.Waiting = l.Loop.Suspended(), nil
	return json.Marshal(s)
}

// keep stores the state, if that was not done for a while.
func (l *local) keep(ctx context.Context) error {
	if time.Since(l.kept) < time.Second {
		return nil
	}
	l.kept = time.Now()
	state, err := l.state()
	if err != nil {
		return err
	}
	return l.recorder.Store.SaveState(context.WithoutCancel(ctx), l.Spec.Name, state)
}

// interrupted is the result of a run that ended before its study did.
func (l *local) interrupted(ctx context.Context, state json.RawMessage) (Result, error) {
	why := context.Cause(ctx)
	in := l.Result()
	in.State, in.Reason = store.StudyStopped, fmt.Sprintf("its run was interrupted (%v); run again, it goes on", why)
	out := Result{State: in.State, Best: in.Best}
	ctx = context.WithoutCancel(ctx)
	if err := l.recorder.Store.SaveState(ctx, l.Spec.Name, state); err != nil {
		return out, err
	}
	if err := l.recorder.Finish(ctx, in); err != nil {
		return out, err
	}
	return out, fmt.Errorf("study %q: interrupted; run again, it goes on: %w", l.Spec.Name, why)
}

// finish tests the best trial, clears the checkpoints and records the end.
func (l *local) finish(users context.Context) (Result, error) {
	ctx := context.WithoutCancel(users)
	waits, err := l.unreached(ctx)
	if err != nil {
		return Result{}, err
	}
	in := l.Result()
	if best := l.Leaderboard.Top(); best != nil && l.built != nil {
		built := *l.built
		idle, leave := l.runner.Borrow()
		defer leave()
		built.Mesh.Idle = idle
		in.Test, err = built.Test(ctx, l.runner.Blobs, best.Checkpoint, best.Params, search.Rand(l.Spec.Search.Seed, best.Trial).Uint64())
		if err == nil {
			err = built.Measure(ctx, l.runner.Blobs, l.Measured(), best.Trial, in.Test)
		}
		if err != nil {
			in.Untested(err.Error())
		}
	}
	if err := l.runner.Blobs.DeleteAll(ctx, trials.StudyKey(l.Spec.Name), append(l.Keep(), waits...)...); err != nil {
		in.Unswept(err.Error())
	}
	out := Result{State: in.State, Best: in.Best, Test: in.Test}
	if in.Saved, err = l.State(time.Now()); err != nil {
		return out, err
	}
	if err := l.recorder.Finish(ctx, in); err != nil || l.Spec.Then == nil {
		return out, err
	}
	smaller, err := l.recorder.Compressed(ctx, l.Spec.Name)
	if err == nil && smaller != nil {
		_, err = Local(users, smaller, l.recorder, l.runner, nil)
	}
	if err != nil && users.Err() == nil {
		in.Uncompressed(err.Error())
		return out, l.recorder.Finish(ctx, in)
	}
	return out, err
}
