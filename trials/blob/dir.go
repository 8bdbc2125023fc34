package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"budwood/data"
)

// Dir is a directory of blobs.
type Dir string

var _ Store = Dir("")

func (d Dir) path(key string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return "", fmt.Errorf("blob %q: the key leaves its directory", key)
	}
	return filepath.Join(string(d), filepath.FromSlash(key)), nil
}

// temporary is how the names of unfinished blobs begin.
const temporary = data.Unfinished

// Put writes a temporary file beside the blob and renames it. The directory d must
// be there: one that was removed must not come back because somebody still writes
// into it.
func (d Dir) Put(_ context.Context, key string, write func(io.Writer) error) error {
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if err := d.there(); err != nil {
		return fmt.Errorf("blob %q: %w", key, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), temporary+"*")
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
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		if gone := d.there(); gone != nil { // that is no word on the blob
			return nil, fmt.Errorf("blob %q: %w", key, gone)
		}
	}
	return f, err
}

// there is an error if there is no directory d, which does not wrap fs.ErrNotExist:
// it may have been unmounted for a moment.
func (d Dir) there() error {
	if _, err := os.Stat(string(d)); err != nil {
		return fmt.Errorf("the directory of the blobs is not there: %v", err)
	}
	return nil
}

// List walks the directory below prefix.
func (d Dir) List(_ context.Context, prefix string) (out []Info, err error) {
	err = d.walk(prefix, func(path string, e fs.DirEntry) error {
		if e.IsDir() || strings.HasPrefix(e.Name(), temporary) {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		key, err := filepath.Rel(string(d), path)
		out = append(out, Info{filepath.ToSlash(key), info.Size()})
		return err
	})
	slices.SortFunc(out, func(a, b Info) int { return strings.Compare(a.Key, b.Key) })
	return out, err
}

// DeleteAll removes the blobs below prefix and the directories left empty.
func (d Dir) DeleteAll(_ context.Context, prefix string, keep ...string) error {
	kept := map[string]bool{}
	for _, k := range keep {
		kept[filepath.Join(string(d), filepath.FromSlash(k))] = true
	}
	var dirs []string
	err := d.walk(prefix, func(path string, e fs.DirEntry) error {
		switch {
		case e.IsDir():
			dirs = append(dirs, path)
		case !kept[path]:
			return os.Remove(path)
		}
		return nil
	})
	for _, dir := range slices.Backward(dirs) {
		if rm := os.Remove(dir); rm != nil && !errors.Is(rm, syscall.ENOTEMPTY) && !errors.Is(rm, fs.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}
	return err
}

// walk visits everything below prefix; nothing if there is nothing.
func (d Dir) walk(prefix string, visit func(path string, e fs.DirEntry) error) error {
	root := string(d)
	if prefix != "" {
		var err error
		if root, err = d.path(prefix); err != nil {
			return err
		}
	}
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return visit(path, e)
	})
}
