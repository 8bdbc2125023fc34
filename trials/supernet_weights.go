package trials

import (
	"bufio"
	"bytes"
	"context"
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
func (c *sharedWeights) read(ctx context.Context, blobs Blobs, key string, fresh func() Supernet) (found bool, err error) {
	f, err := blobs.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("checkpoint %s: %w", key, err)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	header, err := in.ReadBytes('\n')
	if from := key + " " + string(header); err == nil && from == c.from {
		return true, nil
	}
	rest, readErr := io.ReadAll(in)
	if readErr != nil || err != nil && err != io.EOF {
		return false, fmt.Errorf("read checkpoint %s: %w", key, errors.Join(err, readErr))
	}
	check, err := readCheckpoint(append(header, rest...))
	if err != nil || !check.Progress.Bank {
		return false, nil
	}
	net := fresh()
	_, bank := cutBank(check.data)
	if err := net.Load(bytes.NewReader(bank)); err != nil {
		return false, fmt.Errorf("%w: checkpoint %s: %w", errNoWeights, key, err)
	}
	c.from, c.net, c.epochs = key+" "+string(header), net, check.Progress.Epoch
	return true, nil
}
