package trials

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"budwood/search"
)

// restore finds where a segment goes on: at its end, if only the report of it
// was lost; in its middle, if it was interrupted; or where the last one ended.
// It returns nil for a trial never trained.
func (r *Runner) restore(ctx context.Context, task Task) (*Checkpoint, error) {
	var cut *Checkpoint // of the end that interrupted it; if a part was trained since, that counts
	for _, key := range []string{endKey(task, task.To), partKey(task), endKey(task, task.From)} {
		f, err := r.Blobs.Get(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("trial %s: checkpoint %s: %w", task.Trial.Name(), key, err)
		}
		c, damaged, err := readCheckpoint(f)
		if err != nil && !damaged {
			return nil, fmt.Errorf("trial %s: read checkpoint %s: %w", task.Trial.Name(), key, err)
		}
		if err != nil {
			r.Log.Warn().Err(err).Str("checkpoint", key).Msg("damaged checkpoint left aside")
			continue
		}
		switch p := &c.progress; {
		case key == endKey(task, task.To) && p.Done != nil && p.Since == task.From:
			if task.Tried > 0 && p.Done.State == search.Stopped {
				p.reopen()
				cut = c
				continue
			}
			return c, nil
		case cut != nil && p.Epoch < cut.progress.Epoch:
			c.Close()
			return cut, nil
		case p.From == task.From && p.Epoch <= task.To:
			cut.Close()
			p.Done = nil // of the segment before
			return c, nil
		}
		c.Close()
	}
	return cut, nil
}
