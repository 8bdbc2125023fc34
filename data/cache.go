package data

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Cache loads each source once, however many ask for it at the same moment. A
// source whose file has changed is loaded anew. The zero value is ready; it is
// safe for concurrent use.
type Cache struct {
	Keep  int   // how many data sets are kept, those asked for last; 0 means 8
	Files Files // where sources with digests are read; nil: at their paths
	Max   int64 // bytes; a source that takes more is not loaded, and of those kept the ones asked for last stay. 0: any number

	// Shared is where sources with digests are decoded once for all processes of a
	// machine; nil: each has them in its own memory.
	Shared *Shared

	mu      sync.Mutex
	entries []*entry // the one asked for last comes last
}

// entry is a data set, once done is closed.
type entry struct {
	key  string
	done chan struct{}
	data *Data
	err  error
}

// Load is [Load] through the cache, with the files of [Cache.Files]. Errors are
// not kept; those that are neither [*Error]s nor of the context are trouble of the
// moment.
func (c *Cache) Load(ctx context.Context, s Source) (*Data, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	key, err := s.Key()
	if err != nil {
		return nil, err
	}
	for {
		e, mine := c.entry(key)
		if mine {
			c.fill(ctx, e, s)
			return e.data, e.err
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if cancelled(e.err) && ctx.Err() == nil {
			continue // whoever was loading gave up; we did not
		}
		return e.data, e.err
	}
}

// entry finds the entry of a key, or makes one that the caller has to fill.
func (c *Cache) entry(key string) (e *entry, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.IndexFunc(c.entries, func(e *entry) bool { return e.key == key }); i >= 0 {
		e = c.entries[i]
		c.entries = append(slices.Delete(c.entries, i, i+1), e)
		return e, false
	}
	e = &entry{key: key, done: make(chan struct{})}
	c.entries = append(c.entries, e)
	keep := c.Keep
	if keep <= 0 {
		keep = 8
	}
	if n := len(c.entries) - keep; n > 0 {
		c.entries = slices.Delete(c.entries, 0, n)
	}
	return e, true
}

// fill loads an entry's data, and lets those go on who wait for it even if loading
// should panic.
func (c *Cache) fill(ctx context.Context, e *entry, s Source) {
	e.err = errors.New("data: loading did not end")
	defer close(e.done)
	defer func() {
		if e.err != nil {
			c.drop(e)
		}
	}()
	var done func()
	if s, done, e.err = c.here(ctx, s); e.err == nil {
		defer done()
		e.err = c.check(ctx, s)
	}
	switch {
	case e.err != nil:
	case c.Shared != nil && s.Digests != nil:
		e.data, e.err = c.Shared.load(ctx, e.key, s)
	default:
		e.data, e.err = Load(ctx, s)
	}
	if e.err == nil && c.Max > 0 {
		c.shrink(e)
	}
}

// shrink lets go of data sets until those kept take a quarter of what there is, or
// only the newest is left.
func (c *Cache) shrink(newest *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var kept []*entry
	sum := newest.data.Bytes()
	for _, e := range slices.Backward(c.entries) {
		if e != newest {
			select {
			case <-e.done:
				if sum += e.data.Bytes(); sum > c.Max/4 {
					continue
				}
			default: // being loaded
			}
		}
		kept = append(kept, e)
	}
	slices.Reverse(kept)
	c.entries = kept
}

// LoadWith is [LoadWith], with the files of [Cache.Files]. Nothing is kept.
func (c *Cache) LoadWith(ctx context.Context, s Source, path string) (*Data, *Set, error) {
	s, done, err := c.here(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	return LoadWith(ctx, s, path)
}

// LoadWithImages is [LoadWithImages], with the files of [Cache.Files]. Nothing is kept.
func (c *Cache) LoadWithImages(ctx context.Context, s Source, path string) (*Data, *NewImages, error) {
	s, done, err := c.here(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	return LoadWithImages(ctx, s, path)
}

// Fresh is [Load], with the files of [Cache.Files]: data that has [Data.Numbers].
// Nothing is kept.
func (c *Cache) Fresh(ctx context.Context, s Source) (*Data, error) {
	s, done, err := c.here(ctx, s)
	if err != nil {
		return nil, err
	}
	defer done()
	return Load(ctx, s)
}

// here is the source with the paths at which it can be read here, images as one file;
// see [Shared.Packed].
func (c *Cache) here(ctx context.Context, s Source) (Source, func(), error) {
	s, err := s.at(ctx, c.Files)
	if err != nil {
		return s, nil, err
	}
	return c.Shared.Packed(ctx, s)
}

func (c *Cache) drop(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = slices.DeleteFunc(c.entries, func(f *entry) bool { return f == e })
}

func cancelled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
