package trials

import (
	"budwood/trials/blob"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// errNoWeights means that a study's candidates cannot be judged here, now or later.
var errNoWeights = errors.New("the shared weights that the study's first trial trained are not there")

// sharedWeights are those of the study whose candidates this process judges: read
// once, not for every candidate.
type sharedWeights struct {
	mu     sync.Mutex
	from   string // key and first line of their checkpoint, which tell when and how it came to be
	net    Supernet
	epochs int
}

// supernet is the shared weights of a study, from the checkpoint of the trial that
// trained them, and the epochs of their training. Nobody may train these further.
// The error wraps errNoWeights, or tells of trouble with the blobs.
func (r *Runner) supernet(ctx context.Context, study string, fresh func() Supernet) (Supernet, int, error) {
	c := &r.shared
	c.mu.Lock()
	defer c.mu.Unlock()
	blobs, err := r.Blobs.List(ctx, TrialKey(study, SupernetTrial))
	if err != nil {
		return nil, 0, fmt.Errorf("look for the shared weights: %w", err)
	}
	why := errNoWeights
	for _, b := range blobs {
		found, err := c.read(ctx, r.Blobs, b.Key, fresh)
		switch {
		case err != nil && !errors.Is(err, errNoWeights):
			return nil, 0, err
		case err != nil:
			why = err
		case found:
			return c.net, c.epochs, nil
		}
	}
	return nil, 0, why
}

// read reads the weights of a checkpoint, if they are not at hand.
func (c *sharedWeights) read(ctx context.Context, blobs blob.Store, key string, fresh func() Supernet) (found bool, err error) {
	f, err := blobs.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("checkpoint %s: %w", key, err)
	}
	check, damaged, err := openCheckpoint(f)
	if err != nil && !damaged {
		return false, fmt.Errorf("read checkpoint %s: %w", key, err)
	}
	if err != nil {
		return false, nil
	}
	defer check.close()
	header, err := json.Marshal(check.Progress)
	if err != nil {
		return false, err
	}
	if from := key + " " + string(header); from == c.from {
		return true, nil
	}
	if !check.Progress.Bank {
		return false, nil
	}
	net := fresh()
	own, err := check.payload().part()
	if err == nil {
		_, err = io.Copy(io.Discard, own)
	}
	if err == nil {
		err = net.Load(check.payload())
	}
	if trouble := check.payload().err; trouble != nil {
		return false, fmt.Errorf("read checkpoint %s: %w", key, trouble)
	}
	if err != nil {
		return false, fmt.Errorf("%w: checkpoint %s: %w", errNoWeights, key, err)
	}
	c.from, c.net, c.epochs = key+" "+string(header), net, check.Progress.Epoch
	return true, nil
}
