package workflows

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// rankInput asks a worker to be a rank of a gang, in the place that it holds for it.
type rankInput struct {
	Train trainInput   `json:"train"` // one segment
	Place trials.Place `json:"place"`
	Lease string       `json:"lease"`

	Peers   []trials.Peer `json:"peers,omitempty"` // by rank, of those that train a network
	Attempt int           `json:"attempt,omitempty"`
}

// rankResult is how a rank has ended.
type rankResult struct {
	Segment *segment.Result `json:"segment,omitempty"` // of rank 0
	Left    bool            `json:"left,omitempty"`    // it has not ended by itself: its gang was broken, and told it to
	Epoch   int             `json:"epoch,omitempty"`   // the last that rank 0 has finished, also if it has failed
	Energy  energy.Energy   `json:"energy,omitzero"`   // of the others
	Failed  string          `json:"failed,omitempty"`  // why the trial has failed here
	At      time.Time       `json:"at,omitzero"`       // when
}

// rankBeat is the heartbeat of a rank above 0: what it has spent so far counts even if
// it is lost.
type rankBeat struct {
	Energy energy.Energy `json:"energy"`
}

// rank trains as a rank of a gang. A failure of the user's code is a result; every error
// says that the rank was lost.
func (a *TrainActivities) rank(ctx context.Context, in rankInput) (rankResult, error) {
	h, err := a.leases.take(in.Lease)
	if err != nil {
		return rankResult{}, lost(in.Place.Rank, a.Runner.Name, lostRank{}, err)
	}
	defer a.leases.end(in.Lease)
	work, stop := a.context(ctx, h)
	defer stop()
	if in.Train.Model != nil {
		return a.rankOfNetwork(ctx, work, in, h)
	}
	if in.Place.Rank == 0 {
		return a.rankZero(ctx, work, in)
	}
	return a.rankAbove(ctx, work, in)
}

// lostRank is what a rank that is lost can still tell, as the detail of its error.
type lostRank struct {
	Epoch  int           `json:"epoch,omitempty"` // the last that rank 0 has finished
	Energy energy.Energy `json:"energy,omitzero"` // that one above 0 has spent
}

// lost is the error of a rank that did not come to its end.
func lost(rank int, worker string, detail lostRank, why error) error {
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf("rank %d on worker %s: %s", rank, worker, trials.Reason(why.Error())), lostError, nil, detail)
}

// rankZero is the rank that reports and keeps the checkpoints.
func (a *TrainActivities) rankZero(ctx, work context.Context, in rankInput) (rankResult, error) {
	var last atomic.Pointer[lastEpoch]
	defer heartbeat(ctx, &last)()
	task := in.Train.Tasks[0]
	objective, err := a.objective(ctx, in.Train, &in.Place)
	if err != nil {
		return failedHere(err)
	}
	if err := a.Runner.ForgetOutputs(ctx, task.Study, task.Trial.ID); err != nil {
		a.Log.Warn().Err(err).Str("trial", task.Trial.Name()).Msg("what an earlier gang has printed could not be removed")
	}
	epoch := 0
	r, err := a.Runner.Run(work, task, objective, func(m search.Measurement) {
		epoch = m.Budget
		m.Metrics = objectivesOf(&task, m.Metrics) // a beat is small
		last.Store(&lastEpoch{task.Trial.ID, m})
	})
	var user *trials.ObjectiveError
	cause := context.Cause(work)
	switch {
	case err != nil && errors.Is(err, trials.ErrInterrupted) && errors.Is(cause, trials.ErrInterrupted) && cause != trials.ErrInterrupted: // its gang wraps it
		return rankResult{Segment: &r, Left: true, Epoch: epoch}, nil
	case err != nil && !errors.As(err, &user):
		return rankResult{}, lost(0, a.Runner.Name, lostRank{Epoch: epoch}, err)
	}
	out := rankResult{Segment: &fit(in.Train.Tasks, []segment.Result{r})[0], Epoch: epoch}
	if err != nil {
		out.Failed, out.At = out.Segment.Reason, failedAt(err)
	}
	return out, nil
}

// rankOfNetwork is a rank, 0 or above, of a gang that trains a network.
func (a *TrainActivities) rankOfNetwork(ctx, work context.Context, in rankInput, h *held) (rankResult, error) {
	var last atomic.Pointer[lastEpoch]
	defer heartbeat(ctx, &last)()
	task, rank := in.Train.Tasks[0], in.Place.Rank
	if h.seat == nil {
		return rankResult{}, lost(rank, a.Runner.Name, lostRank{}, errNoLease)
	}
	world, err := h.seat.Join(work, rank, in.Peers, in.Attempt) // before the data is loaded: all do so at the same time
	if err != nil {
		return rankResult{}, lost(rank, a.Runner.Name, lostRank{}, err)
	}
	if rank > 0 {
		in.Train.Drop = nil
	}
	objective, err := a.objective(ctx, in.Train, nil)
	if err != nil {
		world.Link.Close(err)
		return failedHere(err)
	}
	epoch := 0
	r, err := a.Runner.RunIn(work, world, task, objective, func(m search.Measurement) {
		epoch = m.Budget
		m.Metrics = objectivesOf(&task, m.Metrics) // a beat is small
		if rank == 0 {
			last.Store(&lastEpoch{task.Trial.ID, m})
		}
	})
	var user *trials.ObjectiveError
	cause := context.Cause(work)
	told := errors.Is(cause, trials.ErrInterrupted) && cause != trials.ErrInterrupted // by its gang, which wraps it
	switch {
	case rank > 0 && (err == nil || errors.Is(err, trials.ErrInterrupted) && cause == nil):
		return rankResult{Energy: r.Energy}, nil
	case rank > 0 && errors.As(err, &user):
		return rankResult{Energy: r.Energy, Failed: trials.Reason(err.Error()), At: time.Now()}, nil
	case err == nil, errors.As(err, &user):
		out := rankResult{Segment: &fit(in.Train.Tasks, []segment.Result{r})[0], Epoch: epoch}
		if err != nil {
			out.Failed, out.At = out.Segment.Reason, time.Now()
		}
		return out, nil
	case rank == 0 && told:
		return rankResult{Segment: &r, Left: true, Epoch: epoch}, nil
	case told:
		return rankResult{Energy: r.Energy}, nil
	}
	detail := lostRank{Epoch: epoch}
	if rank > 0 {
		detail.Energy = r.Energy
	}
	return rankResult{}, lost(rank, a.Runner.Name, detail, err)
}

// rankAbove is any other rank.
func (a *TrainActivities) rankAbove(ctx, work context.Context, in rankInput) (rankResult, error) {
	var spent atomic.Pointer[func() energy.Energy]
	defer beat(ctx, func() (detail any) {
		if read := spent.Load(); read != nil {
			return rankBeat{(*read)()}
		}
		return nil
	})()
	command := in.Train.Command
	if command == nil {
		return failedHere(userError(fmt.Errorf("rank %d: only the program of a command can be trained by a gang", in.Place.Rank)))
	}
	if err := a.allow(command); err != nil {
		return failedHere(userError(err))
	}
	task := in.Train.Tasks[0]
	var out rankResult
	var err error
	out.Energy, err = a.Runner.RunRank(work, task, command.At(in.Place), a.keepOutput(ctx, task.Study, in.Place.Rank), func(read func() energy.Energy) { spent.Store(&read) })
	var user *trials.ObjectiveError
	switch {
	case errors.As(err, &user):
		out.Failed, out.At = trials.Reason(err.Error()), failedAt(err)
	case err != nil:
		return out, lost(in.Place.Rank, a.Runner.Name, lostRank{Energy: out.Energy}, err)
	case context.Cause(work) == trials.ErrInterrupted: // and not by its gang, which wraps it
		return out, lost(in.Place.Rank, a.Runner.Name, lostRank{Energy: out.Energy}, trials.ErrInterrupted)
	}
	return out, nil
}

// failedAt is when a rank has failed.
func failedAt(err error) time.Time {
	var at *trials.RankError
	if errors.As(err, &at) {
		return at.At
	}
	return time.Now()
}

// failedHere makes an error that another attempt would not change a failure of the
// trial; others are those of a rank that is lost.
func failedHere(err error) (rankResult, error) {
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.NonRetryable() {
		return rankResult{Failed: app.Message(), At: time.Now()}, nil
	}
	return rankResult{}, temporal.NewNonRetryableApplicationError(trials.Reason(err.Error()), lostError, nil, lostRank{})
}

// beat tells Temporal every second that an activity is alive, with what detail returns.
func beat(ctx context.Context, detail func() any) (stop func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if d := detail(); d != nil {
					activity.RecordHeartbeat(ctx, d)
				} else {
					activity.RecordHeartbeat(ctx)
				}
			}
		}
	}()
	return func() { close(done) }
}
