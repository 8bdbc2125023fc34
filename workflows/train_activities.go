package workflows

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"budwood/data"
	"budwood/learn/network"
	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/segment"
)

// TrainActivities run on the workers. A worker needs no access to the store.
type TrainActivities struct {
	Runner    *trials.Runner
	Data      *data.Cache
	Objective trials.TrainFunc            // objective of the user's own program; nil: only the built-in one
	Allow     func(*trials.Command) error // whether a command may run here; nil: none may
	Log       zerolog.Logger

	needs    study.Resources // needs of the trials that come here
	capacity *capacity       // capacity of the worker; nil: no limit
}

// trainInput asks to train segments, one after the other.
type trainInput struct {
	Tasks   []trials.Task   `json:"tasks"`
	Model   *study.Model    `json:"model,omitempty"`
	Command *trials.Command `json:"command,omitempty"`
	Drop    []int           `json:"drop,omitempty"` // trials whose checkpoints nobody needs any more
}

// errStudyStopped is the reason of a trial whose segment is cancelled.
var errStudyStopped = errors.New(studyStopped)

// train trains segments. A failure of the user's code is a result; every error
// but that of a worker that cannot do this at all is machine trouble and is
// retried: what was trained before is not trained again.
func (a *TrainActivities) train(ctx context.Context, in trainInput) ([]segment.Result, error) {
	var last atomic.Pointer[lastEpoch]
	defer heartbeat(ctx, &last)()
	study := in.Tasks[0].Study
	objective := a.Objective
	if in.Model != nil {
		s, err := a.supervised(ctx, in.Model)
		if err != nil {
			return nil, err
		}
		objective = s.Train
	}
	if in.Command != nil {
		if err := a.allow(in.Command); err != nil {
			return nil, userError(err)
		}
		objective = in.Command.Train(func(t *trials.Trial, b []byte) {
			if err := a.Runner.KeepOutput(ctx, study, t.ID, b); err != nil {
				a.Log.Warn().Err(err).Str("trial", t.Name()).Msg("its output could not be kept")
			}
		})
	}
	if objective == nil {
		return nil, userError(fmt.Errorf("this worker has no objective for study %q: run the program that submitted it", study))
	}
	for _, trial := range in.Drop {
		if err := a.Runner.Blobs.DeleteAll(ctx, trials.TrialKey(study, trial)); err != nil {
			a.Log.Warn().Err(err).Str("trial", search.TrialName(trial)).Msg("its checkpoints could not be removed")
		}
	}
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	finished := make(chan struct{})
	defer close(finished)
	go func() {
		select {
		case <-finished:
		case <-activity.GetWorkerStopChannel(ctx): // not the study is stopped but this worker
			stop(trials.ErrInterrupted)
		case <-ctx.Done():
			select { // a worker that stops cancels its activities, too
			case <-activity.GetWorkerStopChannel(ctx):
				stop(trials.ErrInterrupted)
			default:
				stop(endOf(ctx))
			}
		}
	}()
	release, err := a.capacity.acquire(work, a.needs)
	if err != nil { // cancelled while it waited for its turn
		return nil, context.Cause(work)
	}
	defer release()
	out := make([]segment.Result, len(in.Tasks))
	for i, task := range in.Tasks {
		r, err := a.Runner.Run(work, task, objective, func(m search.Measurement) {
			m.Metrics = objectivesOf(&task, m.Metrics) // a beat is small
			last.Store(&lastEpoch{task.Trial.ID, m})
		})
		var user *trials.ObjectiveError
		if err != nil && !errors.As(err, &user) {
			return nil, err
		}
		out[i] = r
	}
	return fit(in.Tasks, out), nil
}

// endOf is why a trial whose activity's context has ended ends: the study wants it
// to, or nobody knows of this attempt any more, because the server has not heard of
// it for too long and has it made elsewhere. What it did must not look like an end
// to whoever goes on with it.
func endOf(ctx context.Context) error {
	if cause := context.Cause(ctx); temporal.IsCanceledError(cause) || cause == context.Canceled {
		return errStudyStopped
	}
	return trials.ErrInterrupted
}

// allow reports whether a command may run here.
func (a *TrainActivities) allow(c *trials.Command) error {
	if a.Allow != nil {
		return a.Allow(c)
	}
	return fmt.Errorf("this worker does not run programs such as %s: its operator allows them with --allow-commands", c.Args[0])
}

// supervised is the built-in objective of a model; its data is loaded once a
// process. Data that cannot be fetched just now may be had later.
func (a *TrainActivities) supervised(ctx context.Context, m *study.Model) (network.Supervised, error) {
	d, err := a.Data.Load(ctx, m.Data)
	if err != nil {
		var bad *data.Error
		if errors.As(err, &bad) {
			err = userError(err)
		}
		return network.Supervised{}, err
	}
	s, err := m.Supervised(d)
	if err != nil {
		err = userError(err)
	}
	if a.capacity != nil {
		s.Room = a.capacity.offer.Room(a.needs, d.Bytes(), "worker "+a.Runner.Name)
	}
	return s, err
}

// heartbeat tells Temporal every second that the segment is alive, however long
// its epochs are, and how far it has come.
func heartbeat(ctx context.Context, last *atomic.Pointer[lastEpoch]) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if b := last.Load(); b != nil {
					activity.RecordHeartbeat(ctx, b)
				} else {
					activity.RecordHeartbeat(ctx)
				}
			}
		}
	}()
	return func() { close(done) }
}

// testInput asks to test a trial.
type testInput struct {
	Study      string        `json:"study"`
	Trial      int           `json:"trial"`
	Params     search.Params `json:"params"`
	Seed       uint64        `json:"seed"`
	Model      study.Model   `json:"model"`
	Checkpoint string        `json:"checkpoint"`
}

// test evaluates a trial's best weights on the test set.
func (a *TrainActivities) test(ctx context.Context, in testInput) (search.Metrics, error) {
	defer heartbeat(ctx, new(atomic.Pointer[lastEpoch]))()
	s, err := a.supervised(ctx, &in.Model)
	if err != nil {
		return nil, err
	}
	m, err := s.Test(ctx, a.Runner.Blobs, in.Checkpoint, in.Params, search.Rand(in.Seed, in.Trial).Uint64())
	if err != nil {
		return nil, userError(err)
	}
	return m, nil
}

// sweep removes a study's checkpoints but those to keep.
func (a *TrainActivities) sweep(ctx context.Context, study string, keep []string) error {
	return a.Runner.Blobs.DeleteAll(ctx, trials.StudyKey(study), keep...)
}

func userError(err error) error {
	return temporal.NewNonRetryableApplicationError(trials.Reason(err.Error()), "UserError", nil)
}
