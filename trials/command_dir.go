package trials

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// commandDir is the checkpoint directory of a command as a [Keeper]: what the
// command said it holds travels as a tar archive.
type commandDir struct {
	path     string   // the directory
	snapshot *os.File // archive of what it held when the command last said so; nil if it never did
}

// take makes a snapshot of the directory as it is now.
func (d *commandDir) take() error {
	f, err := os.CreateTemp(filepath.Dir(d.path), "snapshot-*.tar")
	if err != nil {
		return err
	}
	os.Remove(f.Name()) // it lives as long as it is open: the runner saves it when the directory is gone
	w := tar.NewWriter(f)
	if err := errors.Join(w.AddFS(os.DirFS(d.path)), w.Close()); err != nil {
		f.Close()
		return fmt.Errorf("checkpoint directory: %w", err)
	}
	if d.snapshot != nil {
		d.snapshot.Close()
	}
	d.snapshot = f
	return nil
}

// Save writes the last snapshot; nothing if there is none.
func (d *commandDir) Save(w io.Writer) error {
	if d.snapshot == nil {
		return nil
	}
	_, err := io.Copy(w, io.NewSectionReader(d.snapshot, 0, 1<<62))
	return err
}

// Load unpacks an archive into the directory.
func (d *commandDir) Load(r io.Reader) error {
	root, err := os.OpenRoot(d.path) // nothing leaves the directory
	if err != nil {
		return err
	}
	defer root.Close()
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return d.take()
		}
		if err != nil {
			return fmt.Errorf("archive of the checkpoint directory: %w", err)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(filepath.Clean(h.Name), 0o755)
		case tar.TypeReg:
			err = unpack(root, h, t)
		}
		if err != nil {
			return fmt.Errorf("archive of the checkpoint directory: %s: %w", h.Name, err)
		}
	}
}

func unpack(root *os.Root, h *tar.Header, r io.Reader) error {
	name := filepath.Clean(h.Name)
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, fs.FileMode(h.Mode)&0o777)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
