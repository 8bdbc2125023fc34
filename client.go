package budwood

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"budwood/data"
	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
	"budwood/workflows"
)

// DefaultAddress is the address of a Temporal server if no other is given.
const DefaultAddress = "127.0.0.1:7233"

// Handle is a study on a server.
type Handle struct {
	Name  string
	conn  *connection
	store *store.Store
}

// Submit starts the study of a file on a running server and returns without
// waiting. If a study of that name runs already, the handle is of that study. The workers of
// `budwood up`, or of a `budwood run` that goes on in the background, run it.
func Submit(ctx context.Context, file string) (*Handle, error) {
	spec, _, err := study.Load(ctx, file, &data.Cache{}, study.FileOptions{})
	if err != nil {
		return nil, err
	}
	h, err := Open(ctx, spec.Name)
	if err != nil {
		return nil, err
	}
	if _, err := workflows.Submit(ctx, h.conn.Client, spec, workflows.DefaultQueue); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Open is a handle of a study that exists already or will exist later. Close it.
func Open(ctx context.Context, study string) (*Handle, error) {
	conn, err := connect(ctx, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	home, err := Home()
	if err != nil {
		conn.Close()
		return nil, err
	}
	store, err := store.OpenReadOnly(StoreFile(home))
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &Handle{study, conn, store}, nil
}

// Close closes the connection to the server and the store. The study continues.
func (h *Handle) Close() error { return errors.Join(h.store.Close(), h.conn.Close()) }

// Wait waits for the end of the study. If that was so long ago that Temporal has
// deleted the workflow, the result is read from the store.
func (h *Handle) Wait(ctx context.Context) (*Result, error) {
	ctx, end := h.conn.watch(ctx)
	defer end()
	err := workflows.Wait(ctx, h.conn.Client, h.Name)
	if err != nil && !errors.Is(err, workflows.ErrNotRunning) {
		return nil, orLost(ctx, err)
	}
	r, read := h.Result(ctx)
	if err == nil || read == nil && r.State != store.StudyRunning {
		return r, read
	}
	return nil, err
}

// Result is how the study stands now.
func (h *Handle) Result(ctx context.Context) (*Result, error) {
	return ReadResult(ctx, h.store, h.Name)
}

// Trials are the study's trials as they stand now, by number.
func (h *Handle) Trials(ctx context.Context) ([]search.Record, error) {
	return h.store.Records(ctx, h.Name)
}

// Stop ends the study: the running trials finish their segments, or are stopped
// too if now is true.
func (h *Handle) Stop(ctx context.Context, now bool) error {
	return h.update(ctx, workflows.StopUpdate, workflows.StopRequest{Now: now})
}

// Pause starts no new segments until Resume; the running ones finish.
func (h *Handle) Pause(ctx context.Context) error { return h.update(ctx, workflows.PauseUpdate) }

// Resume continues a study after Pause.
func (h *Handle) Resume(ctx context.Context) error { return h.update(ctx, workflows.ResumeUpdate) }

// Edit changes budgets, parallelism, priority or the space while the study
// runs.
func (h *Handle) Edit(ctx context.Context, e study.Edit) error {
	return h.update(ctx, workflows.EditUpdate, e)
}

// AddTrial makes the study try a candidate next, in addition to the planned trials.
// Missing parameters are drawn.
func (h *Handle) AddTrial(ctx context.Context, p search.Params) error {
	return h.update(ctx, workflows.AddTrialUpdate, study.Candidate{Params: p})
}

// StopTrial stops one trial, running or paused.
func (h *Handle) StopTrial(ctx context.Context, trial int, reason string) error {
	return h.update(ctx, workflows.StopTrialUpdate, workflows.StopTrialRequest{Trial: trial, Reason: reason})
}

// DropTrials sets trials aside, and says why: they stay on record, but
// the sampler, the scheduler and the best trial ignore them. Those that run are
// stopped. KeepTrials undoes it.
func (h *Handle) DropTrials(ctx context.Context, why string, trials ...int) error {
	return h.setAside(ctx, workflows.AsideRequest{Trials: trials, Why: cmp.Or(why, "set aside by the user")})
}

// KeepTrials counts trials again that were set aside.
func (h *Handle) KeepTrials(ctx context.Context, trials ...int) error {
	return h.setAside(ctx, workflows.AsideRequest{Trials: trials, Keep: true})
}

// setAside asks the study, or if it does not run changes the store.
func (h *Handle) setAside(ctx context.Context, r workflows.AsideRequest) error {
	err := h.update(ctx, workflows.SetAsideUpdate, r)
	if !errors.Is(err, workflows.ErrNotRunning) {
		return err
	}
	store, err := store.Open(h.store.Path())
	if err != nil {
		return err
	}
	_, err = store.SetAside(ctx, h.Name, r.Trials, r.Why)
	return errors.Join(err, store.Close())
}

func (h *Handle) update(ctx context.Context, name string, arg ...any) error {
	_, err := workflows.Update(ctx, h.conn.Client, h.Name, name, arg...)
	return err
}

// connection is a client, and the budwood program that keeps the embedded
// server alive for it.
type connection struct {
	client.Client
	namespace string
	keeper    *exec.Cmd
	release   func() error
	ended     chan error // how the keeper ended
}

// Close closes the client and lets the embedded server go.
func (c *connection) Close() error {
	c.Client.Close()
	if c.keeper == nil {
		return nil
	}
	return errors.Join(c.release(), <-c.ended)
}

var errLost = errors.New("the embedded Temporal server is gone")

// orLost is what ended a context of watch, or else the error.
func orLost(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errLost) {
		return cause
	}
	return err
}

// watch returns a context that ends with the keeper, whose last words are the cause:
// it does so when the state directory is gone, and nobody would start the server
// again.
func (c *connection) watch(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if c.keeper != nil {
		go func() {
			select {
			case <-ctx.Done():
			case err := <-c.ended:
				c.ended <- nil // for Close
				stderr, _ := c.keeper.Stderr.(fmt.Stringer)
				cancel(fmt.Errorf("%w: %s", errLost, cmp.Or(strings.TrimSpace(stderr.String()), fmt.Sprint(err))))
			}
		}()
	}
	return ctx, func() { cancel(nil) }
}

// connect finds a server: the one that the TEMPORAL_* environment or a profile
// names, the embedded one of a budwood program on the PATH, or the one at
// [DefaultAddress].
func connect(ctx context.Context, log zerolog.Logger) (*connection, error) {
	o, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fmt.Errorf("read the TEMPORAL_* settings: %w", err)
	}
	c := &connection{}
	if o.HostPort == "" {
		if err := c.embedded(ctx, &o); err != nil {
			return nil, err
		}
	}
	o.Logger = workflows.Logger{Log: log}
	if err := workflows.Encrypt(&o, os.Getenv); err != nil {
		return nil, err
	}
	c.namespace = cmp.Or(o.Namespace, client.DefaultNamespace)
	if c.Client, err = workflows.Dial(ctx, o); err != nil {
		if c.keeper != nil {
			_ = c.release()
			_ = c.keeper.Wait()
		}
		if errors.Is(err, fs.ErrPermission) { // which says what to do
			return nil, err
		}
		return nil, fmt.Errorf("%w: set TEMPORAL_ADDRESS, put budwood on the PATH, or use Study.Local", err)
	}
	if c.keeper != nil {
		c.ended = make(chan error, 1)
		go func() { c.ended <- c.keeper.Wait() }()
	}
	if err := workflows.Register(ctx, c.Client, c.namespace); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// embedded asks a budwood program for its server. The program holds the server
// as long as its standard input is open, so that neither outlives this process.
func (c *connection) embedded(ctx context.Context, o *client.Options) error {
	path, err := exec.LookPath("budwood")
	if err != nil {
		o.HostPort = DefaultAddress
		return nil
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, "dev-server", "attach")
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", path, err)
	}
	c.keeper, c.release = cmd, in.Close
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var info struct{ Address, Key, Error string }
	if err == nil {
		err = json.Unmarshal(line, &info)
	}
	if err != nil || info.Error != "" {
		_ = in.Close()
		_ = cmd.Wait()
		return fmt.Errorf("%s does not start the embedded Temporal server: %s", path, cmp.Or(info.Error, strings.TrimSpace(stderr.String()), "it ended"))
	}
	if o.HostPort = info.Address; info.Key != "" {
		o.ConnectionOptions.TLS, err = workflows.ServerTLS(info.Key)
	}
	return err
}
