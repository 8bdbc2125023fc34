package trials

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Latest is the last checkpoint of another trial of the study; nil if there is none,
// or only damaged ones. It is to be closed. The error is a [*MachineError]. The other
// trial may go on meanwhile, which removes what was there a moment ago.
func (t *Trial) Latest(trial int) (*Checkpoint, error) {
	c, err := t.runner.latest(t.ctx, t.task.Study, trial)
	if err != nil {
		return nil, &MachineError{fmt.Errorf("trial %s: %w", t.Name(), err)}
	}
	return c, nil
}

func (r *Runner) latest(ctx context.Context, study string, trial int) (*Checkpoint, error) {
	var last *Checkpoint
	for range 3 {
		blobs, err := r.Blobs.List(ctx, TrialKey(study, trial))
		if err != nil {
			return nil, fmt.Errorf("look for the checkpoints of its parent: %w", err)
		}
		for _, b := range blobs {
			f, err := r.Blobs.Get(ctx, b.Key)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("checkpoint %s of its parent: %w", b.Key, err)
			}
			c, damaged, err := readCheckpoint(f)
			if err != nil && !damaged {
				last.Close()
				return nil, fmt.Errorf("read checkpoint %s of its parent: %w", b.Key, err)
			}
			if err != nil {
				continue
			}
			if c.data.Len() == 0 || last != nil && c.progress.Epoch <= last.progress.Epoch {
				c.Close()
				continue
			}
			last.Close()
			last = c
		}
		if last != nil || len(blobs) == 0 {
			break
		}
	}
	return last, nil
}
