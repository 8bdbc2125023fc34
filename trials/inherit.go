package trials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"budwood/engine"
)

// latest reads the last checkpoint of any trial of a study; it is nil if there is
// none, or only damaged ones. The trial may go on meanwhile, which removes what
// was there a moment ago.
func (r *Runner) latest(ctx context.Context, study string, trial int) (*checkpoint, error) {
	var last *checkpoint
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
			text, err := io.ReadAll(f)
			f.Close()
			if err != nil {
				return nil, fmt.Errorf("read checkpoint %s of its parent: %w", b.Key, err)
			}
			c, err := readCheckpoint(text)
			if err != nil || len(c.data) == 0 {
				continue
			}
			if last == nil || c.Progress.Epoch > last.Progress.Epoch {
				last = c
			}
		}
		if last != nil || len(blobs) == 0 {
			break
		}
	}
	return last, nil
}

// parents are the trained networks, one a fold, whose weights a candidate begins
// with: nil if it has no parent, is trained on already, or is to be trained from
// scratch, or if of the parent nothing usable is left.
func (s Supervised) parents(t *Trial) ([]*engine.Net, error) {
	if s.Parent == nil || !t.task.Inherit || t.restored != nil {
		return nil, nil
	}
	id, ok := s.Parent(t.Params)
	if !ok {
		return nil, nil
	}
	c, err := t.latest(id)
	if err != nil {
		t.machine = fmt.Errorf("trial %s: %w", t.Name(), err)
		return nil, t.machine
	}
	if c == nil || c.Progress.Params == nil {
		return nil, nil
	}
	m, _, err := s.members(c.Progress.Params, 1, 0, nil)
	if err == nil {
		err = m.Load(c.payload())
	}
	if err != nil { // damaged: the candidate begins like any other
		return nil, nil
	}
	return m.bests(), nil
}
