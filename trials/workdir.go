package trials

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"budwood/trials/reap"
)

// How the names of working directories begin, and of those that nobody has locked
// yet.
const (
	workPrefix = "budwood-work-"
	newPrefix  = ".budwood-work-"
)

// workDir is a directory for the files of one run of a command, among the system's
// temporary ones. It is locked as long as it is used, so that what a killed worker
// leaves behind can be told from what another one uses.
type workDir struct {
	path string
	lock *os.File
}

func newWorkDir(trial string) (*workDir, error) {
	removeLeftOnce()
	path, err := os.MkdirTemp("", newPrefix+trial+"-")
	if err != nil {
		return nil, err
	}
	d := &workDir{path: path}
	if d.lock, err = lockDir(path); err != nil { // a file system without locks: nobody will take it for left behind
		return d, nil
	}
	name := filepath.Join(filepath.Dir(path), strings.TrimPrefix(filepath.Base(path), "."))
	if err := os.Rename(path, name); err != nil {
		return nil, errors.Join(err, d.remove())
	}
	d.path = name
	return d, nil
}

// remove removes the directory with all that is in it.
func (d *workDir) remove() error {
	err := os.RemoveAll(d.path)
	if d.lock != nil {
		d.lock.Close()
	}
	return err
}

// lockDir opens and locks a directory that nobody has locked.
func lockDir(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

var removeLeftOnce = sync.OnceFunc(removeLeft)

// removeLeft ends and removes what killed workers have left behind where no reaper
// was left to do so.
func removeLeft() {
	found, err := filepath.Glob(filepath.Join(os.TempDir(), workPrefix+"*"))
	if err != nil {
		return
	}
	for _, path := range found {
		lock, err := lockDir(path)
		if err != nil { // it is used, or another user's
			continue
		}
		reap.Clear(path)
		lock.Close()
	}
}
