package trials

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"budwood/engine"
	"budwood/engine/mesh"
	"budwood/search"
	"budwood/trials/segment"
)

// end makes a result of how the training function returned, or an error if there is
// none.
func (r *Runner) end(ctx context.Context, t *Trial, err error) (segment.Result, error) {
	var own *ObjectiveError
	var machine *MachineError
	if t.gang != nil {
		if lost := new(mesh.ErrLost); errors.As(err, lost) {
			return r.result(t, "", "", t.progress.Epoch), &MachineError{*lost}
		}
	}
	switch {
	case errors.As(t.machine, &own): // its keeper cannot save, and could not the next time
		err = t.machine
	case t.machine != nil: // a checkpoint could not be written
		return r.result(t, "", "", t.progress.Epoch), t.machine
	case errors.As(err, &machine):
		return segment.Result{}, err
	case err == nil:
		err = t.err
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrInterrupted) && (err != nil || t.stopped == search.Stopped) {
		return r.result(t, "", "", t.progress.Epoch), r.interrupted(ctx, t)
	}
	if own == nil {
		err = t.classify(ctx, err)
	}
	if err == nil {
		var out segment.Result
		if out, err = r.finish(ctx, t); !errors.As(err, &own) {
			return out, err
		}
	}
	return r.failed(ctx, t, err)
}

// interrupted keeps what a trial has that goes on elsewhere. It returns an error that
// wraps [ErrInterrupted], or says that it could not be kept.
func (r *Runner) interrupted(ctx context.Context, t *Trial) error {
	if t.keeper == nil {
		if err := r.keepSpent(ctx, t); err != nil { // to be interrupted matters more
			r.Log.Warn().Err(err).Msg("the energy of an interrupted attempt could not be kept")
		}
	} else if t.progress.Epoch > t.task.From {
		if err := r.save(context.WithoutCancel(ctx), t, partKey(t.task)); err != nil {
			return err
		}
	}
	return fmt.Errorf("trial %s: after epoch %d: %w", t.Name(), t.progress.Epoch, ErrInterrupted)
}

// classify sorts out which errors of a training function are results. It returns the
// error if it is a failure.
func (t *Trial) classify(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrInfeasible):
		t.stopped, t.reason = search.Infeasible, err.Error()
	case errors.Is(err, ErrDiverged), errors.Is(err, engine.ErrDiverged):
		t.stopped, t.reason = search.Diverged, err.Error()
	case err != nil && ctx.Err() != nil: // the training function passed the cancellation on
		t.stopped, t.reason = search.Stopped, context.Cause(ctx).Error()
	case err == nil && t.progress.Best.Budget == 0 && t.stopped == "":
		return fmt.Errorf("trial %s: the objective returned without a report", t.Name())
	default:
		return err
	}
	return nil
}

// result is what every result of a trial's segment says.
func (r *Runner) result(t *Trial, state search.State, reason string, budget int) segment.Result {
	return segment.Result{
		State: state, Reason: Reason(reason), Budget: budget, Energy: t.progress.Energy, Seconds: t.progress.Seconds,
		Worker: r.Name, Version: t.version, Kernels: t.kernels, Notes: t.notes,
	}
}

// failed is the result of a trial that failed by its own fault.
func (r *Runner) failed(ctx context.Context, t *Trial, why error) (segment.Result, error) {
	if err := r.keepSpent(ctx, t); err != nil { // the failure itself matters more
		r.Log.Warn().Err(err).Msg("the energy of a failed attempt could not be kept")
	}
	return r.result(t, search.Failed, why.Error(), t.task.From), &ObjectiveError{why}
}

// finish turns a trial at its segment's end into a result and writes the
// checkpoint that the next segment, or the test, begins with.
func (r *Runner) finish(ctx context.Context, t *Trial) (segment.Result, error) {
	p := &t.progress
	out := r.result(t, t.stopped, t.reason, p.Epoch)
	out.Curve = p.Curve
	switch {
	case out.State != "":
	case t.task.Total > 0 && p.Epoch >= t.task.Total:
		out.State, out.Reason = search.Completed, fmt.Sprintf("trained to the full budget of %d", t.task.Total)
	default:
		out.State = search.Paused
	}
	if p.Best.Budget > 0 {
		out.Final = search.Measurement{Budget: p.Epoch, Metrics: maps.Clone(p.Best.Metrics)}
		out.Final.Metrics[EnergyWh] = (p.Before + p.Energy.Joules) / 3600
	}
	// The result travels in the checkpoint, so that it is there if the report of
	// it is lost. Without a keeper the checkpoint holds the progress alone.
	done := out
	next := *t
	next.notes = nil // of this segment
	next.progress = progress{
		From: p.Epoch, Epoch: p.Epoch, Best: p.Best, Early: p.Early,
		Before: p.Before + p.Energy.Joules, Done: &done, Since: t.task.From, Facts: p.Facts,
	}
	key := endKey(t.task, t.task.To)
	if out.State == search.Diverged || out.State == search.Infeasible {
		next.keeper, next.restored = nil, nil // no weights to go on with
	} else {
		done.Checkpoint, out.Checkpoint = key, key
	}
	ctx = context.WithoutCancel(ctx) // a stopped trial keeps what it has learnt
	if err := r.save(ctx, &next, key); err != nil {
		return out, err
	}
	return out, r.Blobs.DeleteAll(ctx, TrialKey(t.task.Study, t.ID), key)
}
