package devserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"budwood"
)

// Files of a state directory. The database's name is in the settings.
const (
	serverLock  = "server.lock"  // held by the one server, exclusively
	clientsLock = "clients.lock" // held by every user of the server, shared
	infoFile    = "server.json"  // where the server answers
	logFile     = "logs/temporal.log"
)

// openHome makes the state directory, "" meaning [budwood.Home], and checks that it can
// be written to.
func openHome(dir string) (string, error) {
	var err error
	if dir == "" {
		dir, err = budwood.Home()
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", err
	}
	// Only for the user: the server has no authentication, and studies are private.
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(logFile)), 0o700); err != nil {
		return "", homeError(dir, err)
	}
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return "", homeError(dir, err)
	}
	f.Close()
	return dir, os.Remove(f.Name())
}

func homeError(dir string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return fmt.Errorf("state directory %s cannot be written to: %w; set BUDWOOD_HOME to a directory that can", dir, err)
}
