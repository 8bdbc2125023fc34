package trials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Blobs keeps checkpoints by key. Keys are slash-separated.
type Blobs interface {
	// Put stores what write produces, whole or not at all.
	Put(ctx context.Context, key string, write func(io.Writer) error) error
	// Get opens a blob; the error wraps fs.ErrNotExist if there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// DeleteAll removes every blob whose key begins with prefix, a whole path
	// element, except those in keep.
	DeleteAll(ctx context.Context, prefix string, keep ...string) error
}

// Dir is a directory of blobs.
type Dir string

var _ Blobs = Dir("")

func (d Dir) path(key string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return "", fmt.Errorf("blob %q: the key leaves its directory", key)
	}
	return filepath.Join(string(d), filepath.FromSlash(key)), nil
}

// Put writes a temporary file beside the blob and renames it.
func (d Dir) Put(_ context.Context, key string, write func(io.Writer) error) error {
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails after the rename, which is fine
	err = errors.Join(write(f), f.Close())
	if err != nil {
		return fmt.Errorf("blob %q: %w", key, err)
	}
	return os.Rename(f.Name(), path)
}

// Get opens a blob.
func (d Dir) Get(_ context.Context, key string) (io.ReadCloser, error) {
	path, err := d.path(key)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// DeleteAll removes the blobs below prefix and the directories left empty.
func (d Dir) DeleteAll(_ context.Context, prefix string, keep ...string) error {
	root, err := d.path(prefix)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, k := range keep {
		kept[filepath.Join(string(d), filepath.FromSlash(k))] = true
	}
	var dirs []string
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case e.IsDir():
			dirs = append(dirs, path)
		case !kept[path]:
			return os.Remove(path)
		}
		return nil
	})
	for i := len(dirs) - 1; i >= 0 && err == nil; i-- {
		if rm := os.Remove(dirs[i]); rm != nil && !errors.Is(rm, syscall.ENOTEMPTY) && !errors.Is(rm, fs.ErrNotExist) {
			err = rm
		}
	}
	return err
}
