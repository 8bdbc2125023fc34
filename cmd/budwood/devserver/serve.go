package devserver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"go.temporal.io/server/temporal"

	"budwood/workflows"
)

// What a server process inherits from the one that starts it.
const (
	lockFD   = 3 // the server's lock, already held
	reportFD = 4 // a pipe for one report
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 5 * time.Second
	maxLog       = 64 << 20 // bytes of standard error, which is the log file
)

// report is what the server process says once it answers or cannot.
type report struct {
	Info  Info   `json:"info"`
	Error string `json:"error,omitempty"`
}

// ports are those the caller asked for; 0 leaves the choice to the settings.
type ports struct{ grpc, ui int }

// serve is the server process: it starts, reports, and ends when it is told to
// or when nobody has used it for a while.
func serve(home string, want ports) error {
	lock, out := os.NewFile(lockFD, serverLock), os.NewFile(reportFD, "report")
	defer lock.Close()
	if !isFile(lock, filepath.Join(home, serverLock)) {
		return errors.New("only budwood itself starts this command; to run a server, use budwood up")
	}
	signal.Ignore(syscall.SIGHUP)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	var alive Alive
	alive.KeepProgram()
	users, err := os.OpenFile(filepath.Join(home, clientsLock), os.O_RDWR|os.O_CREATE, 0o600)
	var s *services
	if err == nil {
		defer users.Close()
		err = errors.Join(alive.Keep("the state directory", home), alive.KeepOpen("the lock", filepath.Join(home, serverLock), lock),
			alive.KeepOpen("the lock", filepath.Join(home, clientsLock), users))
	}
	if err == nil {
		go func() {
			if err := alive.Wait(ctx); err != nil {
				fail(err)
			}
		}()
		s, err = launch(ctx, fail, home, want)
	}
	if err == nil {
		err = alive.Keep("the database", s.info.Database)
	}
	if err != nil {
		return errors.Join(err, json.NewEncoder(out).Encode(report{Error: err.Error()}))
	}
	// The one who started it may be gone by now; then nobody reads the report,
	// and the server ends by itself.
	_ = json.NewEncoder(out).Encode(report{Info: s.info})
	out.Close()

	untilUnused(ctx, users, s.config.Linger)
	if err := alive.Look(); err != nil { // there is nothing to end well, and at these paths may be another's files
		return err
	}
	_ = os.Remove(filepath.Join(home, infoFile))
	return s.stop()
}

// services are the running parts of a server process.
type services struct {
	config   Config
	info     Info
	temporal temporal.Server
	started  chan struct{} // closed when Temporal's Start has returned
	ui       *http.Server
}

// launch starts Temporal and its UI and returns when both answer. Temporal
// answers long before its Start returns; if that fails at last, launch's caller
// is told through fail.
func launch(ctx context.Context, fail context.CancelCauseFunc, home string, want ports) (*services, error) {
	c, err := ReadConfig(home)
	if err != nil {
		return nil, err
	}
	wish := ports{c.Port, c.UIPort}
	if want.grpc != 0 {
		wish.grpc = want.grpc
	}
	if want.ui != 0 {
		wish.ui = want.ui
	}
	port, err := pickPort(c.IP, wish.grpc, want.grpc != 0, "--port")
	if err != nil {
		return nil, err
	}
	web, err := listen(c.IP, wish.ui, want.ui != 0, "--ui-port")
	if err != nil {
		return nil, err
	}
	keyFile, err := ensureKey(home)
	if err != nil {
		return nil, err
	}
	key, err := workflows.ServerTLS(keyFile)
	if err != nil {
		return nil, err
	}
	db, err := openDatabase(c.databasePath(home), c)
	if err != nil {
		return nil, err
	}
	s := &services{config: c, started: make(chan struct{}), info: Info{
		PID:       os.Getpid(),
		Address:   address(c.IP, port),
		Key:       keyFile,
		UIURL:     uiScheme + web.Addr().String(),
		Namespace: c.Namespace,
		Version:   Version,
		Database:  c.databasePath(home),
		Started:   time.Now().UTC().Truncate(time.Second),
	}}
	if s.ui, err = newUI(c, s.info.Address, key); err != nil {
		return nil, err
	}
	if s.temporal, err = newTemporal(c, db, port, key); err != nil {
		return nil, err
	}
	go s.ui.Serve(web)
	go func() {
		defer close(s.started)
		if err := s.temporal.Start(); err != nil {
			fail(err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := untilAnswers(ctx, func(ctx context.Context) error { return answers(ctx, s.info) }); err != nil {
		return nil, fmt.Errorf("start Temporal: %w", cmp.Or(context.Cause(ctx), err))
	}
	return s, writeInfo(home, s.info)
}

// stop ends the UI and the server. What hangs is left behind: every commit is
// already on disk.
func (s *services) stop() error {
	done := make(chan error, 1)
	go func() {
		s.ui.Close()
		<-s.started
		done <- s.temporal.Stop()
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(stopTimeout):
		return fmt.Errorf("stop Temporal: not done within %v", stopTimeout)
	}
}

// untilUnused returns when nobody has held the users' lock for some time, or
// when the context ends. In the first case it keeps the lock, so that whoever
// comes while the server stops waits and then starts a new one.
func untilUnused(ctx context.Context, users *os.File, linger time.Duration) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var since time.Time // zero while in use
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			limitLog(os.Stderr, maxLog)
			if flock(users, exclusive) != nil {
				since = time.Time{}
				continue
			}
			if since.IsZero() {
				since = now
			}
			if now.Sub(since) >= linger {
				return
			}
			_ = unlock(users)
		}
	}
}

// limitLog starts a log file afresh when something has filled it.
func limitLog(f *os.File, limit int64) {
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() && st.Size() > limit {
		_ = f.Truncate(0)
	}
}

func isFile(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}
