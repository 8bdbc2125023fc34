package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/study"
	"budwood/trials/store"
)

// The service is a process in the background that has the workers, so that a
// study goes on when the command that follows it is left. There is one for each
// state directory; like the Temporal server, it is kept by two file locks: it
// holds workers.lock as long as it lives, commands hold runs.lock, shared. It
// ends some seconds after the last study has, if no command uses it.
const (
	serviceCommand = "worker-service"
	workersLock    = "workers.lock"
	runsLock       = "runs.lock"
	serviceLog     = "logs/workers.log"
	linger         = 2 * time.Second
)

// service keeps the background service alive until Close.
type service struct {
	users  *os.File
	cancel context.CancelFunc
	done   chan struct{}
}

// ensureService starts the service if there is none, and again if it dies.
func ensureService(a *app) (*service, error) {
	// With this lock in hand a service that runs stays; one that is just ending
	// is waited for.
	users, err := devserver.Share(a.ctx, filepath.Join(a.home, runsLock))
	if err != nil {
		return nil, err
	}
	if err = a.alive.KeepOpen("the lock", users.Name(), users); err == nil {
		err = startService(a)
	}
	if err == nil {
		err = a.alive.Keep("the lock", filepath.Join(a.home, workersLock))
	}
	if blobs, e := a.makeBlobs(); err == nil && e == nil {
		err = a.keepBlobs(blobs)
	}
	if err != nil {
		users.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{users, cancel, make(chan struct{})}
	go func() {
		defer close(s.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
			if a.alive.Look() != nil { // what would be started is for another directory
				continue
			}
			if err := startService(a); err != nil {
				a.say("the workers are gone and cannot be started again: %v", err)
				return
			}
		}
	}()
	return s, nil
}

// Close lets the service go. It ends by itself when its studies have.
func (s *service) Close() error {
	s.cancel()
	<-s.done
	return s.users.Close()
}

// lockWorkers takes the lock of the process that has the workers, and notes in it
// where they keep checkpoints and data. If there is one the error wraps
// [devserver.ErrLocked], unless it keeps them elsewhere than this command.
func (a *app) lockWorkers() (*os.File, error) {
	path := filepath.Join(a.home, workersLock)
	lock, err := devserver.Lock(path)
	if errors.Is(err, devserver.ErrLocked) {
		if b, read := os.ReadFile(path); read == nil && len(b) > 0 && string(b) != a.blobs {
			return nil, usageError{fmt.Errorf("--blobs: the workers that run in %s keep checkpoints and data in %s: give the same, or wait until their studies have ended", a.home, b)}
		}
	}
	if err != nil {
		return nil, err
	}
	if lock.Truncate(0) == nil { // on a full disk it stays empty, and nothing is compared
		_, _ = lock.WriteAt([]byte(a.blobs), 0)
	}
	return lock, nil
}

// startService starts the service unless it runs. The child inherits the lock
// and a pipe, on which it says one line: nothing, or what is wrong.
func startService(a *app) error {
	lock, err := a.lockWorkers()
	if errors.Is(err, devserver.ErrLocked) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	self, err := devserver.Self()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(a.home, serviceLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	in, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer in.Close()
	cmd := exec.Command(self, serviceCommand)
	cmd.Dir, cmd.Stdout, cmd.Stderr = a.home, log, log
	cmd.ExtraFiles = []*os.File{lock, out}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the command
	err = cmd.Start()
	out.Close()
	if err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	go cmd.Wait() // or it would stay behind as a zombie
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the workers ended while they started; see %s", log.Name())
	}
	if line = strings.TrimSpace(line); line != "" {
		return errors.New(line)
	}
	return nil
}

// serviceMain is the service's process.
func serviceMain() int {
	signal.Ignore(syscall.SIGHUP)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	lock, out := os.NewFile(3, workersLock), os.NewFile(4, "report")
	defer lock.Close() // or the garbage collector would do it, and let go of the lock
	home, err := budwood.Home()
	var cache study.Bytes
	if err == nil {
		err = cache.UnmarshalText([]byte(os.Getenv("BUDWOOD_DATA_CACHE")))
	}
	if err == nil {
		a := &app{home: home, blobs: os.Getenv("BUDWOOD_BLOBS"), dataCache: int64(cache), stdout: io.Discard, stderr: os.Stderr}
		defer a.watch(ctx)()
		err = errors.Join(a.alive.Keep("the state directory", home), a.alive.KeepOpen("the lock", filepath.Join(home, workersLock), lock),
			a.alive.Keep("the lock", filepath.Join(home, runsLock)))
		if err == nil {
			err = a.alive.Look() // or it would make a directory that was removed just now
		}
		if err == nil {
			err = a.serve(func() { fmt.Fprintln(out); out.Close() })
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "budwood:", err)
		fmt.Fprintln(out, strings.ReplaceAll(err.Error(), "\n", " "))
		return exitFailed
	}
	return exitDone
}

// serve runs the workers until they are not needed any more.
func (a *app) serve(ready func()) error {
	conn, err := a.connect(serverFlags{})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.startWorkers(a, study.Offer{}, a.allowed); err != nil {
		return err
	}
	ready()
	store, err := a.read()
	if err != nil {
		return err
	}
	defer store.Close()
	idle := time.Now()
	for {
		select {
		case <-a.ctx.Done():
			return a.gone()
		case <-time.After(250 * time.Millisecond):
		}
		if a.alive.Look() != nil {
			continue
		}
		if busy(a.ctx, store) {
			idle = time.Now()
			continue
		}
		// The lock keeps new commands waiting until this process has ended.
		lock, err := devserver.Lock(filepath.Join(a.home, runsLock))
		if err != nil {
			idle = time.Now()
			continue
		}
		if time.Since(idle) > linger {
			defer lock.Close()
			return nil
		}
		lock.Close()
	}
}

// busy reports whether a study runs that these workers serve; if that cannot be
// told, yes. A study with an objective in Go has the workers of its own program.
func busy(ctx context.Context, store *store.Store) bool {
	names, err := store.Running(ctx)
	if err != nil {
		return true
	}
	for _, name := range names {
		study, err := store.Study(ctx, name)
		if err != nil {
			return true
		}
		if spec, err := specOf(&study); err != nil || spec.Data != nil || spec.Command != nil {
			return true
		}
	}
	return false
}
