package workflows

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

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
	Sockets   string // folder of the sockets by which ranks of gangs meet; "": one in the system's for temporary files

	needs    study.Resources // needs of the trials that come here
	capacity *capacity       // capacity of the worker; nil: no limit
	leases   *leases         // places that are held for gangs; nil: none are
	waiting  *waiting        // gangs for which others make way; nil: nobody looks
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
	if err := a.waiting.held(activity.GetInfo(ctx)); err != nil {
		return nil, err
	}
	var last atomic.Pointer[lastEpoch]
	defer heartbeat(ctx, &last)()
	objective, err := a.objective(ctx, in, nil)
	if err != nil {
		return nil, err
	}
	work, stop := a.context(ctx, nil)
	defer stop()
	release, err := a.capacity.acquire(work, a.needs, a.leases)
	if errors.Is(err, errBusy) {
		return nil, busy(err)
	}
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

// objective is the training function of what is asked for, as the study's command alone
// or as rank 0 of a gang; and the trials whose checkpoints nobody needs lose them.
func (a *TrainActivities) objective(ctx context.Context, in trainInput, place *trials.Place) (trials.TrainFunc, error) {
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
		command := in.Command
		if place != nil {
			command = command.At(*place)
		}
		objective = command.Train(a.keepOutput(ctx, study, 0))
	}
	if objective == nil {
		return nil, userError(fmt.Errorf("this worker has no objective for study %q: run the program that submitted it", study))
	}
	for _, trial := range in.Drop {
		if err := a.Runner.Blobs.DeleteAll(ctx, trials.TrialKey(study, trial)); err != nil {
			a.Log.Warn().Err(err).Str("trial", search.TrialName(trial)).Msg("its checkpoints could not be removed")
		}
	}
	return objective, nil
}

// keepOutput keeps what a command prints as a rank of a gang, or as 0 alone.
func (a *TrainActivities) keepOutput(ctx context.Context, study string, rank int) func(*trials.Trial, []byte) {
	return func(t *trials.Trial, b []byte) {
		if err := a.Runner.KeepOutput(ctx, study, t.ID, rank, b); err != nil {
			a.Log.Warn().Err(err).Str("trial", t.Name()).Msg("its output could not be kept")
		}
	}
}

// context is that of training. It ends with the cause [trials.ErrInterrupted] when the
// worker does, with that of h when its gang needs it no longer (a nil h is of none),
// and with [endOf] when the activity's does.
func (a *TrainActivities) context(ctx context.Context, h *held) (work context.Context, stop func()) {
	work, end := context.WithCancelCause(context.WithoutCancel(ctx))
	var left <-chan struct{}
	if h != nil {
		left = h.ended
	}
	finished := make(chan struct{})
	go func() {
		select {
		case <-finished:
		case <-left:
			end(h.why)
		case <-activity.GetWorkerStopChannel(ctx): // not the study is stopped but this worker
			end(trials.ErrInterrupted)
		case <-ctx.Done():
			select { // a worker that stops cancels its activities, too
			case <-activity.GetWorkerStopChannel(ctx):
				end(trials.ErrInterrupted)
			default:
				end(endOf(ctx))
			}
		}
	}()
	return work, func() { close(finished); end(nil) }
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
	s, err := m.Trainable(d, a.Data, a.Runner.Blobs)
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
	return beat(ctx, func() any {
		if b := last.Load(); b != nil {
			return b
		}
		return nil
	})
}

// testInput asks to test a trial.
type testInput struct {
	Study      string        `json:"study"`
	Trial      int           `json:"trial"`
	Params     search.Params `json:"params"`
	Seed       uint64        `json:"seed"`
	Model      study.Model   `json:"model"`
	Checkpoint string        `json:"checkpoint"`

	Front []network.Plan `json:"front,omitempty"` // of a compression, to be measured
}

// test evaluates a trial's best weights on the test set.
func (a *TrainActivities) test(ctx context.Context, in testInput) (search.Metrics, error) {
	defer heartbeat(ctx, new(atomic.Pointer[lastEpoch]))()
	s, err := a.supervised(ctx, &in.Model)
	if err != nil {
		return nil, err
	}
	idle, leave := a.Runner.Borrow()
	defer leave()
	s.Mesh.Idle = idle
	m, err := s.Test(ctx, a.Runner.Blobs, in.Checkpoint, in.Params, search.Rand(in.Seed, in.Trial).Uint64())
	if err == nil {
		err = s.Measure(ctx, a.Runner.Blobs, in.Front, in.Trial, m)
	}
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
