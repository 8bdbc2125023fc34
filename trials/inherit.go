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
			c, damaged, err := openCheckpoint(f)
			if err != nil && !damaged {
				last.close()
				return nil, fmt.Errorf("read checkpoint %s of its parent: %w", b.Key, err)
			}
			if err != nil {
				continue
			}
			if c.data.Len() == 0 || last != nil && c.Progress.Epoch <= last.Progress.Epoch {
				c.close()
				continue
			}
			last.close()
			last = c
		}
		if last != nil || len(blobs) == 0 {
			break
		}
	}
	return last, nil
}

// parent is the trial whose weights a candidate is to begin with, if any.
func (s Supervised) parent(t *Trial) (id int, ok bool) {
	if s.Parent == nil || !t.task.Inherit {
		return 0, false
	}
	return s.Parent(t.Params)
}

// parents are the trained networks of a trial, one a fold: nil if nothing usable is
// left of it.
func (s Supervised) parents(t *Trial, id int) ([]*engine.Net, error) {
	c, err := t.latest(id)
	if err != nil {
		t.machine = fmt.Errorf("trial %s: %w", t.Name(), err)
		return nil, t.machine
	}
	defer c.close()
	if c == nil || c.Progress.Params == nil {
		return nil, nil
	}
	m, _, err := s.members(c.Progress.Params, 1, 0, nil)
	var model io.Reader
	if err == nil {
		model, err = c.model()
	}
	if err == nil {
		err = m.Load(model)
	}
	if trouble := c.payload().err; trouble != nil {
		t.machine = fmt.Errorf("trial %s: read the checkpoint of its parent: %w", t.Name(), trouble)
		return nil, t.machine
	}
	if err != nil { // damaged: the candidate begins like any other
		return nil, nil
	}
	return m.bests(), nil
}
