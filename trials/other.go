package trials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
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

// Shared is what read makes of the last checkpoint of another trial of the study,
// for many trials that use it and none that changes it. A process reads it once, and
// again when the checkpoint is another one. A nil value of read says that the
// checkpoint is not the one that is looked for, an error that it is damaged. Shared
// returns the epochs that the other trial was trained; a nil value if there is no such
// checkpoint; and a [*MachineError] if one could not be read.
func (t *Trial) Shared(trial int, read func(*Checkpoint) (any, error)) (value any, epochs int, err error) {
	r := t.runner
	c := &r.shared
	c.mu.Lock()
	defer c.mu.Unlock()
	blobs, err := r.Blobs.List(t.ctx, TrialKey(t.task.Study, trial))
	if err != nil {
		return nil, 0, &MachineError{fmt.Errorf("look for the shared weights: %w", err)}
	}
	var why error
	for _, b := range blobs {
		found, damage, err := c.read(t.ctx, r, b.Key, read)
		switch {
		case err != nil:
			return nil, 0, &MachineError{err}
		case damage != nil:
			why = damage
		case found:
			return c.value, c.epochs, nil
		}
	}
	return nil, 0, why
}

// sharedCache is what was read last for [Trial.Shared].
type sharedCache struct {
	mu     sync.Mutex
	from   string // key and first line of its checkpoint, which tell when and how that came to be
	value  any
	epochs int
}

// read reads a checkpoint, if what it holds is not at hand. damage is an error of its
// bytes, err one on the way to them.
func (c *sharedCache) read(ctx context.Context, r *Runner, key string, read func(*Checkpoint) (any, error)) (found bool, damage, err error) {
	f, err := r.Blobs.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil, nil
	}
	if err != nil {
		return false, nil, fmt.Errorf("checkpoint %s: %w", key, err)
	}
	check, damaged, err := readCheckpoint(f)
	if err != nil && !damaged {
		return false, nil, fmt.Errorf("read checkpoint %s: %w", key, err)
	}
	if err != nil {
		return false, nil, nil
	}
	defer check.Close()
	header, err := json.Marshal(check.progress)
	if err != nil {
		return false, nil, err
	}
	from := key + " " + string(header)
	if from == c.from {
		return true, nil, nil
	}
	value, err := read(check)
	if trouble := check.Trouble(); trouble != nil {
		return false, nil, fmt.Errorf("read checkpoint %s: %w", key, trouble)
	}
	if err != nil {
		return false, fmt.Errorf("checkpoint %s: %w", key, err), nil
	}
	if value == nil {
		return false, nil, nil
	}
	c.from, c.value, c.epochs = from, value, check.progress.Epoch
	return true, nil, nil
}
