package devserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// ErrGone is wrapped by the reason of a process that ends because what it works
// with is not there any more.
var ErrGone = errors.New("ended")

// A file is gone when so many looks in a row did not find it: a network file system
// may have trouble for a moment, and who builds a program anew removes the old one.
const (
	goneLooks = 4
	lookEvery = time.Second
)

// Alive watches over the files that a process works with, by their paths. Open files
// and working directories stay when somebody removes, moves, replaces or unmounts
// them; a process that lived on would keep what nobody can reach, or write where
// somebody else has begun anew.
type Alive struct {
	mu    sync.Mutex
	files []aliveFile
}

type aliveFile struct {
	what, path string
	is         fs.FileInfo // what the path is to lead to; nil: any file
	pin        *os.File    // of a directory, so that no other one gets its inode
}

// Keep watches over the file or directory that a path leads to now.
func (a *Alive) Keep(what, path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	f := aliveFile{what: what, path: path, is: st}
	if st.IsDir() { // not of others: closing a database's file would end its locks
		if f.pin, err = os.Open(path); err != nil {
			return err
		}
	}
	a.add(f)
	return nil
}

// KeepOpen watches over an open file: path is to lead to it.
func (a *Alive) KeepOpen(what, path string, f *os.File) error {
	st, err := f.Stat()
	if err == nil {
		a.add(aliveFile{what: what, path: path, is: st})
	}
	return err
}

// KeepProgram watches over this program's file. One that replaces it will do: the
// process goes on with what it has, and so do those that it starts.
func (a *Alive) KeepProgram() {
	path, err := os.Executable()
	if err != nil {
		return
	}
	if _, err := os.Stat(path); err == nil { // else it never was where it says
		a.add(aliveFile{what: "the program", path: path})
	}
}

// add leaves what is watched over already as it is.
func (a *Alive) add(f aliveFile) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, old := range a.files {
		if old.path == f.path {
			if f.pin != nil {
				f.pin.Close()
			}
			return
		}
	}
	a.files = append(a.files, f)
}

// Watches reports whether there is a file to watch over.
func (a *Alive) Watches() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.files) > 0
}

// Look looks once. Its error wraps [ErrGone] and tells of the first file that is
// gone. A nil Alive watches over nothing.
func (a *Alive) Look() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	files := a.files
	a.mu.Unlock()
	for _, f := range files {
		st, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%s %s is gone: %w", f.what, f.path, ErrGone)
		case err != nil:
			return fmt.Errorf("%s %s cannot be looked at any more (%v): %w", f.what, f.path, errors.Unwrap(err), ErrGone)
		case f.is == nil && st.Mode().IsRegular():
		case f.is == nil || !os.SameFile(f.is, st):
			return fmt.Errorf("%s %s is not the one that it was: %w", f.what, f.path, ErrGone)
		}
	}
	return nil
}

// Wait returns when a file is gone, with an error that wraps [ErrGone], or nil when
// the context ends.
func (a *Alive) Wait(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for missed := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := a.Look()
		if err == nil {
			missed = 0
			continue
		}
		if missed++; missed >= goneLooks {
			return err
		}
	}
}
