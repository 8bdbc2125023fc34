package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"budwood/study"
	"budwood/trials/store"
	"budwood/workflows"
)

// The exit codes.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2   // bad usage, such as a study that does not exist, or a bad study file
	exitDetached = 130 // by Ctrl-C: the study goes on

	exitBrokenPipe = 128 + int(syscall.SIGPIPE) // as of a program that the signal ended: whoever read the results went away
)

// errDetached ends a command that was following a study.
var errDetached = errors.New("detached")

// usageError is a mistake of the caller.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// notRunning is a study without a workflow.
type notRunning string

func (s notRunning) Error() string {
	return fmt.Sprintf("study %s has no workflow on this Temporal server; run its file again to go on with it", string(s))
}

func (notRunning) Unwrap() error { return workflows.ErrNotRunning }

// exitCode prints an error and returns the exit code.
func exitCode(stderr io.Writer, err error) int {
	var file *study.FileError
	var field *study.FieldError // of a flag that overrides the file
	var usage usageError
	var path *fs.PathError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errDetached):
		return exitDetached
	case errors.As(err, &path) && path.Path == os.Stdout.Name() && errors.Is(err, syscall.EPIPE):
		return exitBrokenPipe
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "budwood: interrupted before it was done")
		return exitDetached
	case errors.As(err, &file):
		fmt.Fprintf(stderr, "budwood: %v\n", file)
		if file.Excerpt != "" {
			fmt.Fprintln(stderr, file.Excerpt)
		}
		return exitUsage
	case errors.As(err, &usage), errors.As(err, &field), errors.Is(err, store.ErrNoStudy), errors.Is(err, store.ErrNoStore):
		fmt.Fprintf(stderr, "budwood: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "budwood: %v\n", err)
	return exitFailed
}
