package main

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// The least size of a terminal that the live view is drawn on.
const (
	leastWidth  = 40
	leastHeight = 10
)

// terminal reports whether w is a terminal that can be drawn on: one that is no dumb
// one, knows its size, and is in the hands of this process, not of another one in
// whose background this one runs.
func terminal(w io.Writer) bool {
	f, ok := fileOf(w)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	if kind := os.Getenv("TERM"); kind == "" || kind == "dumb" {
		return false
	}
	if group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP); err == nil && group != unix.Getpgrp() {
		return false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	return err == nil && width >= leastWidth && height >= leastHeight
}

// results is where a command writes what it was asked for. It keeps the first error,
// so that no command ends well whose results did not arrive.
type results struct {
	w   io.Writer
	err error
}

func (r *results) Write(b []byte) (int, error) {
	n, err := r.w.Write(b)
	if r.err == nil {
		r.err = err
	}
	return n, err
}

// fileOf is the file that w ends in, if it is one.
func fileOf(w io.Writer) (f *os.File, ok bool) {
	w = exact(w)
	if r, is := w.(*results); is {
		w = r.w
	}
	f, ok = w.(*os.File)
	return f, ok
}

// broken reports whether the reader went away, as head does when it has read enough.
func (r *results) broken() bool { return errors.Is(r.err, syscall.EPIPE) }
