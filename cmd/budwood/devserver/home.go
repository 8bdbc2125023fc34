package devserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"budwood"
)

// Files of a state directory. The database's name is in the settings.
const (
	serverLock  = "server.lock"  // held by the one server, exclusively
	clientsLock = "clients.lock" // held by every user of the server, shared
	infoFile    = "server.json"  // where the server answers
	keyFile     = "temporal.pem" // who may talk to it: see ensureKey
	logFile     = "logs/temporal.log"
)

// openHome makes the state directory, "" meaning [budwood.Home], and checks that it can
// be written to and is the user's alone; note says what it mended to that end.
func openHome(dir string) (home, note string, err error) {
	if dir == "" {
		dir, err = budwood.Home()
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", "", err
	}
	// Only for the user: who can read the key in it can run programs as him.
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(logFile)), 0o700); err != nil {
		return "", "", homeError(dir, err)
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return "", "", homeError(dir, err)
	}
	f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return "", "", err
	}
	note, err = keepPrivate(dir)
	return dir, note, err
}

func homeError(dir string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("state directory %s cannot be written to: %w; set BUDWOOD_HOME to a directory that can", dir, err)
}

// keepPrivate closes a state directory to other users. One that is another's, or
// where others have put something, is an error.
func keepPrivate(dir string) (note string, err error) {
	st, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if err := own(dir, st); err != nil {
		return "", err
	}
	mode := st.Mode().Perm()
	if mode&0o077 == 0 {
		return "", nil
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return "", fmt.Errorf("state directory %s is open to other users (mode %#o): %w; set BUDWOOD_HOME to a directory that can be closed", dir, mode, err)
	}
	if mode&0o022 != 0 {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			if st, err := e.Info(); err == nil && !mine(st) {
				return "", fmt.Errorf("%w: state directory %s could be written to by others, and %s has put %s there; look at it and move it away, or set BUDWOOD_HOME to another directory", fs.ErrPermission, dir, owner(st), e.Name())
			}
		}
	}
	return fmt.Sprintf("state directory %s was open to other users (mode %#o) and is closed to them now", dir, mode), nil
}

// Own is an error if a state directory is another user's.
func Own(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	return own(dir, st)
}

func own(dir string, st fs.FileInfo) error {
	if mine(st) {
		return nil
	}
	return fmt.Errorf("%w: state directory %s belongs to %s, who could then run programs as you; set BUDWOOD_HOME to a directory of your own", fs.ErrPermission, dir, owner(st))
}

// mine reports whether a file belongs to the user of this process.
func mine(st fs.FileInfo) bool { return uid(st) == os.Geteuid() }

func uid(st fs.FileInfo) int { return int(st.Sys().(*syscall.Stat_t).Uid) }

// owner is the name of a file's user.
func owner(st fs.FileInfo) string {
	id := strconv.Itoa(uid(st))
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "user " + id
}
