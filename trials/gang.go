package trials

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"budwood/engine"
	"budwood/engine/mesh"
	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/segment"
)

// gangSide is a rank's side of a gang whose ranks train a network together: each runs
// the same training function. What depends on anything but the trial (that it is to
// stop, that a checkpoint is written now) rank 0 decides, and tells the others after
// each epoch. So all end after the same one, and all enter a checkpoint.
type gangSide struct {
	world *engine.World
	group *mesh.Group
	end   context.CancelCauseFunc // of the training of a rank above 0
	word  [16]byte
}

// above reports whether the side is that of a rank above 0.
func (g *gangSide) above() bool { return g != nil && g.world.Link.Rank() > 0 }

// What rank 0 tells.
const (
	wordOn   = iota // go on
	wordSave        // write a checkpoint
	wordStop
	wordLeave // go on elsewhere
)

// RunIn is [Runner.Run] as a rank of a gang: of the world of its link. The result of
// rank 0 is that of the trial, those of the others have what they have spent. When ctx
// is cancelled, that of rank 0 stops the trial on all ranks; the cancellation of another
// one's ends the gang as if that rank was lost. The link is closed. An error that is no
// [*ObjectiveError] may be a [mesh.ErrLost].
func (r *Runner) RunIn(ctx context.Context, world *engine.World, task Task, train TrainFunc, alive func(search.Measurement)) (segment.Result, error) {
	g := &gangSide{world: world}
	members := mesh.Members{Name: "trial"}
	for k := range world.Ranks {
		members.Ranks = append(members.Ranks, k)
	}
	var err error
	if g.group, err = mesh.NewGroup(world.Link, members); err != nil {
		return segment.Result{}, err
	}
	rank := world.Link.Rank()
	if rank > 0 {
		r = &Runner{Blobs: readOnly{r.Blobs}, Meter: r.Meter, Every: r.Every, Name: r.Name, Log: r.Log, Version: r.Version}
		outer := ctx
		ctx, g.end = context.WithCancelCause(context.WithoutCancel(ctx))
		defer g.end(nil)
		defer context.AfterFunc(outer, func() {
			world.Link.Close(mesh.ErrLost{Rank: rank, Machine: r.Name, Reason: context.Cause(outer).Error()})
		})()
	}
	out, err := r.run(ctx, task, train, alive, g)
	var own *ObjectiveError
	var lost mesh.ErrLost
	switch {
	case err == nil || errors.Is(err, ErrInterrupted): // all ranks are
		world.Link.Close(nil)
	case errors.As(err, &own), errors.As(err, &lost):
		world.Link.Close(err)
	default:
		world.Link.Close(mesh.ErrLost{Rank: rank, Machine: r.Name, Reason: err.Error()})
	}
	return out, err
}

// tell gives all ranks the word of rank 0. Ranks at different epochs are an error.
func (g *gangSide) tell(t *Trial, word uint64) (uint64, error) {
	binary.LittleEndian.PutUint64(g.word[:], word)
	binary.LittleEndian.PutUint64(g.word[8:], uint64(t.progress.Epoch))
	if err := g.group.Broadcast(0, g.word[:]); err != nil {
		return 0, err
	}
	if at := binary.LittleEndian.Uint64(g.word[8:]); at != uint64(t.progress.Epoch) {
		return 0, fmt.Errorf("trial %s: rank %d is after epoch %d, rank 0 after %d", t.Name(), g.world.Link.Rank(), t.progress.Epoch, at)
	}
	return binary.LittleEndian.Uint64(g.word[:]), nil
}

// goesOn reports whether the trial goes on with another epoch, as far as its context
// says.
func (t *Trial) goesOn() bool {
	g := t.gang
	if g != nil {
		word := uint64(wordOn)
		switch cause := context.Cause(t.ctx); {
		case errors.Is(cause, ErrInterrupted):
			word = wordLeave
		case cause != nil:
			word = wordStop
		}
		word, err := g.tell(t, word)
		switch {
		case err != nil:
			t.machine = &MachineError{err}
			return false
		case g.end != nil && word == wordLeave:
			g.end(ErrInterrupted)
		case g.end != nil && word == wordStop:
			g.end(errRankZero)
		}
		if word == wordOn {
			return true
		}
	} else if t.ctx.Err() == nil {
		return true
	}
	t.stopped, t.reason = search.Stopped, context.Cause(t.ctx).Error()
	return false
}

// agree has all ranks do what rank 0 wants to do.
func (g *gangSide) agree(t *Trial, want bool) (bool, error) {
	if g == nil {
		return want, nil
	}
	word := uint64(wordOn)
	if want {
		word = wordSave
	}
	word, err := g.tell(t, word)
	if err != nil {
		return false, &MachineError{err}
	}
	return word == wordSave, nil
}

// readOnly are the blobs as a rank above 0 has them: what it writes is written by rank
// 0, to whom it gives its part while it does so.
type readOnly struct{ blob.Store }

// Put writes to nowhere.
func (readOnly) Put(_ context.Context, _ string, write func(io.Writer) error) error {
	return write(io.Discard)
}

// DeleteAll deletes nothing.
func (readOnly) DeleteAll(context.Context, string, ...string) error { return nil }
