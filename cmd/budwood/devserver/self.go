package devserver

import (
	"context"
	"os"
	"runtime"
)

// Self is a path by which this program can start itself. On Linux it works also
// when the file is gone, as after `go run`.
func Self() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// ErrLocked says that another process holds a lock.
var ErrLocked = errLocked

// Share takes a lock that others may share, waiting for an exclusive one to end.
func Share(ctx context.Context, path string) (*os.File, error) { return waitLock(ctx, path, shared) }

// Lock takes an advisory lock on a file without waiting, or returns [ErrLocked].
// Closing the file gives it back, and so does the end of the process.
func Lock(path string) (*os.File, error) { return tryLock(path, exclusive) }
