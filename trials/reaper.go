package trials

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"budwood/trials/reap"
)

// reaper is a small process beside a worker. It kills what the commands of the
// worker have started, and removes their working files, if the worker is killed: the
// kernel tells a dying worker's children, but not theirs. All that it knows are the
// process groups that run, and that the pipe on which it hears of them has closed.
// It is started with the first command; see package reap.
type reaper struct {
	mu   sync.Mutex
	pipe io.WriteCloser // nil: not started
	jobs map[int]string // process groups, and where their working files are
	cmd  *exec.Cmd
}

// ready starts the process if need be, so that nothing is between a command's
// start and watch but a write to a pipe.
func (r *reaper) ready() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.tell("0"); err != nil {
		return fmt.Errorf("the reaper of orphans: %w", err)
	}
	return nil
}

// watch has the group killed and its working directory removed should this process
// die before end is called.
func (r *reaper) watch(group int, dir string) (end func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.jobs == nil {
		r.jobs = map[int]string{}
	}
	r.jobs[group] = dir
	if err := r.tell(running(group, dir)); err != nil {
		delete(r.jobs, group)
		return nil, fmt.Errorf("the reaper of orphans: %w", err)
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.jobs, group)
		if r.pipe != nil {
			_, _ = fmt.Fprintf(r.pipe, "-%d\n", group) // if it is gone, so is what it knew
		}
	}, nil
}

// running is the line that tells of a command.
func running(group int, dir string) string {
	if strings.Contains(dir, "\n") { // a strange TMPDIR: its files stay
		return fmt.Sprint(group)
	}
	return fmt.Sprintf("%d %s", group, dir)
}

// tell writes one line: a command that runs, or 0 to see that somebody listens. A
// reaper that is not there, or not any more, is started, and told of all.
func (r *reaper) tell(line string) error {
	if r.pipe != nil {
		if _, err := fmt.Fprintln(r.pipe, line); err == nil {
			return nil
		}
		r.pipe.Close()
	}
	if err := r.start(); err != nil {
		r.pipe = nil
		return err
	}
	for group, dir := range r.jobs {
		if _, err := fmt.Fprintln(r.pipe, running(group, dir)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reaper) start() error {
	self, err := self()
	if err != nil {
		return err
	}
	r.cmd = exec.Command(self)
	r.cmd.Args, r.cmd.Dir = []string{reap.Arg0}, "/"
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what ends the worker's group is not for it
	if r.pipe, err = r.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	go r.cmd.Wait()
	return nil
}

// self is a path by which this program can start itself, on Linux also when its
// file is gone.
func self() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}
