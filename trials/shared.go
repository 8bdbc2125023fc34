package trials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
)

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
