package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"budwood/data"
)

// DataKey is the prefix of the data files among the blobs.
const DataKey = "data"

// DataFiles keeps the data files of studies among the blobs, each once, by what is
// in it, so that every worker trains on what was there when the study was
// submitted. It is safe for concurrent use, also of several processes.
type DataFiles struct {
	Blobs Store
	Dir   string // of local copies, if the blobs are elsewhere
	Max   int64  // bytes of them; those used last stay. 0: any number

	Shared *data.Shared // where images are decoded into the one file that is kept of them; nil: in a temporary directory

	mu    sync.Mutex
	whole map[string]fs.FileInfo // files whose digest was found right, as they were then
}

var _ data.Files = (*DataFiles)(nil)

// Keep stores the files of a source, images as the one file that they are decoded into.
// It returns the source with their digests.
func (f *DataFiles) Keep(ctx context.Context, s data.Source) (data.Source, error) {
	packed, done, err := f.Shared.Packed(ctx, s)
	if err != nil {
		return s, err
	}
	defer done()
	packed, err = packed.WithDigests(ctx)
	if err != nil {
		return s, err
	}
	s.Digests = packed.Digests
	_, err = packed.MapPaths(func(key, path string) (string, error) {
		if err := f.put(ctx, path, packed.Digests[key]); err != nil {
			return "", fmt.Errorf("keep %s for the workers: %w", path, err)
		}
		return path, nil
	})
	return s, err
}

func (f *DataFiles) put(ctx context.Context, path string, d data.Digest) error {
	key := dataKey(d)
	if dir, ok := f.Blobs.(Dir); ok {
		if at, err := dir.path(key); err == nil && f.check(ctx, at, d) == nil {
			return nil
		}
	} else if list, err := f.Blobs.List(ctx, DataKey); err != nil {
		return err
	} else if slices.Contains(list, Info{key, d.Size}) {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return f.Blobs.Put(ctx, key, func(w io.Writer) error {
		h := sha256.New()
		if _, err := io.Copy(w, io.TeeReader(&reader{ctx, file}, h)); err != nil {
			return err
		}
		if hex.EncodeToString(h.Sum(nil)) != d.SHA256 {
			return errors.New("it changes while it is read: submit the study when it is complete")
		}
		return nil
	})
}

// Drop removes the stored files that none of the given sources has.
func (f *DataFiles) Drop(ctx context.Context, others []data.Source) error {
	var keep []string
	for _, s := range others {
		for _, d := range s.Digests {
			keep = append(keep, dataKey(d))
		}
	}
	return f.Blobs.DeleteAll(ctx, DataKey, keep...)
}

// Path is where a file can be read here: among the blobs if they are a directory,
// else as a local copy, made now if there is none. What is damaged is not
// returned.
func (f *DataFiles) Path(ctx context.Context, d data.Digest) (string, error) {
	key := dataKey(d)
	if dir, ok := f.Blobs.(Dir); ok {
		path, err := dir.path(key)
		if err == nil {
			err = f.check(ctx, path, d)
		}
		return path, f.lost(err)
	}
	path := filepath.Join(f.Dir, d.SHA256)
	if f.check(ctx, path, d) == nil {
		now := time.Now()
		_ = os.Chtimes(path, now, now) // those used last stay
		if st, err := os.Stat(path); err == nil {
			f.note(path, st)
		}
		return path, nil
	}
	r, err := f.Blobs.Get(ctx, key)
	if err == nil {
		if err := os.Mkdir(f.Dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", errors.Join(err, r.Close())
		}
		err = errors.Join(Dir(f.Dir).Put(ctx, d.SHA256, func(w io.Writer) error {
			_, err := io.Copy(w, &reader{ctx, r})
			return err
		}), r.Close())
	}
	if err == nil {
		err = f.check(ctx, path, d)
	}
	if err != nil {
		return "", f.lost(err)
	}
	data.KeepNewest(f.Dir, f.Max, 0, path)
	return path, nil
}

// reader stops reading when its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

var errDamaged = errors.New("it is damaged")

// lost makes what trying again cannot mend an [*data.Error].
func (f *DataFiles) lost(err error) error {
	dir, ok := f.Blobs.(Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && ok && dir.there() != nil:
		return dir.there()
	case errors.Is(err, fs.ErrNotExist):
		return &data.Error{Err: fmt.Errorf("it is not in %v, where the study's submitter was to put it: submit the study again, with the same --blobs as the workers", f.Blobs)}
	case errors.Is(err, errDamaged):
		return &data.Error{Err: fmt.Errorf("what %v has of it is damaged: submit the study again", f.Blobs)}
	}
	return err
}

// check reads a file whose digest is asked for, once as long as it does not
// change.
func (f *DataFiles) check(ctx context.Context, path string, d data.Digest) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	seen := f.whole[path]
	f.mu.Unlock()
	if seen != nil && seen.Size() == st.Size() && seen.ModTime().Equal(st.ModTime()) && os.SameFile(seen, st) {
		return nil
	}
	got, err := data.DigestFile(ctx, path)
	if err != nil {
		return err
	}
	if got != d {
		return errDamaged
	}
	f.note(path, st)
	return nil
}

func (f *DataFiles) note(path string, st fs.FileInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.whole == nil {
		f.whole = map[string]fs.FileInfo{}
	}
	f.whole[path] = st
}

func dataKey(d data.Digest) string { return DataKey + "/" + d.SHA256 }
