package trials

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// Reaper is a small process beside a worker. It kills what the commands of the
// worker have started if the worker is killed: the kernel tells a dying worker's
// children, but not theirs. All that it knows are the process groups that run,
// and that the pipe on which it hears of them has closed.
type Reaper struct {
	// Program prepares the process, which is to call [Reap] with its standard
	// input. It is started with the first command.
	Program func() (*exec.Cmd, error)

	mu     sync.Mutex
	pipe   io.WriteCloser // nil: not started
	groups map[int]bool
}

// ready starts the process if need be, so that nothing is between a command's
// start and watch but a write to a pipe. A nil Reaper does nothing.
func (r *Reaper) ready() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.tell(0); err != nil {
		return fmt.Errorf("the reaper of orphans: %w", err)
	}
	return nil
}

// watch has the group killed should this process die before end is called.
func (r *Reaper) watch(group int) (end func(), err error) {
	if r == nil {
		return func() {}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.groups == nil {
		r.groups = map[int]bool{}
	}
	r.groups[group] = true
	if err := r.tell(group); err != nil {
		delete(r.groups, group)
		return nil, fmt.Errorf("the reaper of orphans: %w", err)
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.groups, group)
		_ = r.tell(-group) // if it is gone, so is what it knew
	}, nil
}

// tell writes one line: a group that runs, or, negative, one that has ended, or
// 0 to see that somebody listens. A
// reaper that is not there, or not any more, is started.
func (r *Reaper) tell(group int) error {
	if r.pipe != nil {
		if _, err := fmt.Fprintln(r.pipe, group); err == nil || group < 0 {
			return err
		}
		r.pipe.Close()
	}
	cmd, err := r.Program()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what ends the worker's group is not for it
	if r.pipe, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		r.pipe = nil
		return err
	}
	go cmd.Wait()
	for g := range r.groups {
		if _, err := fmt.Fprintln(r.pipe, g); err != nil {
			return err
		}
	}
	return nil
}

// Reap is the reaper's process: it returns when in ends, which it does when the
// worker has died, and kills the groups that still run then.
func Reap(in io.Reader) {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	groups := map[int]bool{}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var g int
		if _, err := fmt.Sscan(lines.Text(), &g); err != nil {
			continue
		}
		if g > 1 {
			groups[g] = true
		} else {
			delete(groups, -g)
		}
	}
	for g := range groups {
		_ = syscall.Kill(-g, syscall.SIGKILL)
	}
}
