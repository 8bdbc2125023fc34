package trials

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// save writes a checkpoint of a trial. The error wraps an [*ObjectiveError] if it is
// the keeper's.
func (r *Runner) save(ctx context.Context, t *Trial, key string) error {
	c := Checkpoint{progress: t.progress}
	if t.keeper == nil && t.restored != nil && t.progress.Epoch == t.restored.progress.Epoch { // what was kept before stays
		c.data = t.restored.data
	}
	c.progress.Version, c.progress.Kernels, c.progress.Notes = t.version, t.kernels, t.notes
	c.progress.Mesh = t.mesh
	if t.task.Inherit {
		c.progress.Params = t.Params
	}
	var own error // of the keeper, not of the way to the blobs
	err := r.Blobs.Put(ctx, key, func(w io.Writer) (err error) {
		to := &checked{to: w}
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("the keeper panicked: %v", v)
			}
			if err != nil && to.err == nil {
				own = &ObjectiveError{err}
			}
		}()
		return c.write(to, t.keeper)
	})
	if err != nil {
		if own != nil {
			err = own
		}
		return fmt.Errorf("trial %s: epoch %d: save checkpoint: %w", t.Name(), t.progress.Epoch, err)
	}
	return nil
}

// checked remembers whether what was written to it arrived.
type checked struct {
	to  io.Writer
	err error
}

func (c *checked) Write(p []byte) (n int, err error) {
	n, err = c.to.Write(p)
	c.err = errors.Join(c.err, err)
	return n, err
}

// keepSpent writes into the checkpoint that the next attempt begins with what
// this one has spent, so that it counts, too.
func (r *Runner) keepSpent(ctx context.Context, t *Trial) error {
	ctx = context.WithoutCancel(ctx)
	c, err := r.restore(ctx, t.task)
	if err != nil {
		return err
	}
	if c == nil {
		c = &Checkpoint{progress: progress{From: t.task.From, Epoch: t.task.From, Before: t.progress.Before, Blank: true}}
	}
	defer c.Close()
	c.progress.Energy, c.progress.Seconds = t.progress.Energy, t.progress.Seconds
	return r.Blobs.Put(ctx, partKey(t.task), func(w io.Writer) error { return c.write(w, nil) })
}
