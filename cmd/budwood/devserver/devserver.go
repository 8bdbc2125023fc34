// Package devserver runs a Temporal server with its web UI for one user on one
// machine, out of the program's own binary.
//
// The server is a process of its own, because Temporal ends its process on some
// errors. There is at most one for each state directory, and all commands that
// need it share it. Two advisory file locks, which the kernel drops when their
// holder dies, are all the bookkeeping:
//
//   - server.lock is held by the server as long as it lives. Who gets it knows
//     that there is no server, starts one, and hands the lock down to it.
//   - clients.lock is held, shared, by everyone who uses the server. When the
//     server gets it exclusively for some seconds (linger in temporal-dev.yaml),
//     nobody is left, and it ends.
//
// So the server outlives the command that started it while others use it, never
// outlives the last one for long, and it does not matter whether they end, are
// interrupted or are killed. If the server itself dies, one of its users starts
// it again at the same address; unless what they work with is gone: see [Alive].
package devserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Options of [Ensure]. The zero value means the user's state directory and the
// ports of temporal-dev.yaml or, where those are in use, free ones.
type Options struct {
	Home     string            // state directory; "" means [budwood.Home]
	Port     int               // the gRPC port that it must be; 0 means any
	UIPort   int               // the web UI's; 0 means any
	Progress func(line string) // told what happens, also after Ensure has returned; may be nil
	Alive    *Alive            // is to watch over what the server's user works with; may be nil
}

// Server is a running server that stays at least until Close.
type Server struct {
	Info // as of [Ensure]; only the process id changes if the server has to be started again

	home   string
	alive  *Alive // while something is gone, no server is started again
	say    func(format string, args ...any)
	users  *os.File // the users' lock
	cancel context.CancelFunc
	done   chan struct{}
}

// Ensure returns the server of a state directory and starts it if need be. Its
// errors are one line for the user.
func Ensure(ctx context.Context, o Options) (*Server, error) {
	for _, p := range []int{o.Port, o.UIPort} {
		if err := checkPort(p); err != nil {
			return nil, err
		}
	}
	home, note, err := openHome(o.Home)
	if err != nil {
		return nil, err
	}
	s := &Server{home: home, alive: cmp.Or(o.Alive, &Alive{}), done: make(chan struct{}), say: func(format string, args ...any) {
		if o.Progress != nil {
			o.Progress(fmt.Sprintf(format, args...))
		}
	}}
	if note != "" {
		s.say("%s", note)
	}
	if err := s.alive.Keep("the state directory", home); err != nil {
		return nil, err
	}
	// With this lock in hand a server that runs stays; one that is just ending is
	// waited for.
	if s.users, err = waitLock(ctx, filepath.Join(home, clientsLock), shared); err != nil {
		return nil, err
	}
	s.Info, err = s.findOrStart(ctx, ports{o.Port, o.UIPort})
	if err == nil {
		err = s.watch()
	}
	if err != nil {
		s.users.Close()
		if errors.Is(err, errOlder) {
			return s.outlive(ctx, o)
		}
		return nil, err
	}
	ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go s.guard(ctx)
	return s, nil
}

// watch watches over the files that the server and its users need.
func (s *Server) watch() error {
	s.alive.KeepProgram()
	err := errors.Join(
		s.alive.KeepOpen("the lock", filepath.Join(s.home, clientsLock), s.users),
		s.alive.Keep("the lock", filepath.Join(s.home, serverLock)))
	if err == nil && s.Database != "" { // a server of an older version does not say
		err = s.alive.Keep("the database", s.Database)
	}
	return err
}

// errOlder says that the server that runs is an older budwood's, which lets
// everybody in.
var errOlder = errors.New("it lets everybody in, because an older version of budwood started it")

// outlive is [Ensure] once an older budwood's server has ended, as it does by
// itself soon after its last user has.
func (s *Server) outlive(ctx context.Context, o Options) (*Server, error) {
	s.say("waiting for the older Temporal server (process %d) to end: it lets everybody in", s.PID)
	wait, cancel := context.WithTimeout(ctx, 2*stopTimeout)
	defer cancel()
	lock, err := waitLock(wait, filepath.Join(s.home, serverLock), exclusive)
	if err != nil {
		return nil, fmt.Errorf("the Temporal server of %s (process %d) cannot be used: %w; stop what the older version runs there, or kill %d: the next run continues its studies", s.home, s.PID, errOlder, s.PID)
	}
	lock.Close()
	return Ensure(ctx, o)
}

// Close lets the server go. It ends by itself, some seconds later, unless
// others use it.
func (s *Server) Close() error {
	s.cancel()
	<-s.done
	return s.users.Close()
}

// findOrStart returns the server that runs, or starts one.
func (s *Server) findOrStart(ctx context.Context, want ports) (Info, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, errors.New("no answer within "+startTimeout.String()))
	defer cancel()
	for tries := 1; ; {
		lock, err := tryLock(filepath.Join(s.home, serverLock), exclusive)
		if err == nil {
			info, err := s.start(ctx, want, lock)
			if errors.Is(err, errPortTaken) && want == (ports{}) && tries < 5 {
				tries++
				continue
			}
			return info, err
		}
		if !errors.Is(err, errLocked) {
			return Info{}, err
		}
		info, err := readInfo(s.home) // not there while the other server starts
		if err == nil && info.Key == "" {
			return info, errOlder
		}
		if err == nil {
			err = answers(ctx, info)
		}
		if err == nil {
			s.say("using the Temporal server at %s (process %d)", info.Address, info.PID)
			return info, samePorts(s.home, info, want)
		}
		if errors.Is(err, fs.ErrNotExist) && info.Key != "" {
			return Info{}, fmt.Errorf("the Temporal server of %s (process %d) runs, but its key is gone (%w): kill %d, and the next one makes another", s.home, info.PID, err, info.PID)
		}
		select {
		case <-ctx.Done():
			return Info{}, fmt.Errorf("the Temporal server of %s (process %d): %w", s.home, info.PID, context.Cause(ctx))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// samePorts is an error if the server that runs has other ports than wanted.
func samePorts(home string, info Info, want ports) error {
	has, err := info.ports()
	if err != nil {
		return err
	}
	for _, p := range [][2]int{{want.grpc, has.grpc}, {want.ui, has.ui}} {
		if p[0] != 0 && p[0] != p[1] {
			return fmt.Errorf("port %d: the Temporal server of %s already runs, with port %d (process %d); leave the port out, or use another state directory", p[0], home, p[1], info.PID)
		}
	}
	return nil
}

func (s *Server) start(ctx context.Context, want ports, lock *os.File) (Info, error) {
	began := time.Now()
	s.say("starting Temporal %s", Version)
	info, err := start(ctx, s.home, want, lock)
	if err == nil {
		s.say("Temporal answers at %s after %.1f s", info.Address, time.Since(began).Seconds())
	}
	return info, err
}

// guard starts the server again, at the same address, when it has died. Its
// clients reconnect by themselves.
func (s *Server) guard(ctx context.Context) {
	defer close(s.done)
	same, err := s.ports()
	if err != nil {
		s.say("%v", err)
		return
	}
	wait, lastError := time.Second, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if s.alive.Look() != nil { // what would be started is another one
			continue
		}
		lock, err := tryLock(filepath.Join(s.home, serverLock), exclusive)
		switch {
		case errors.Is(err, errLocked):
			wait, lastError = time.Second, ""
			continue
		case err == nil:
			_, err = s.start(ctx, same, lock)
		}
		if err != nil && ctx.Err() == nil && err.Error() != lastError {
			wait, lastError = 5*time.Second, err.Error()
			s.say("the Temporal server is gone and cannot be started again: %v", err)
		}
	}
}
