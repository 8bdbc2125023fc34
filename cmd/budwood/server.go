package main

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/study"
	"budwood/trials"
	"budwood/workflows"
)

// serverFlags are the ports of the embedded server.
type serverFlags struct {
	Port   int `help:"Port of the embedded Temporal server; an error if it is in use. Default: 7233, or a free one." placeholder:"PORT"`
	UIPort int `name:"ui-port" help:"Port of its web UI. Default: 8233, or a free one." placeholder:"PORT"`
}

// connection is a client of Temporal, with the embedded server behind it if
// none was named by the environment.
type connection struct {
	client.Client
	server    *devserver.Server // nil: somebody else's
	address   string
	namespace string
	payloads  converter.DataConverter // nil: the default
	closers   []func() error
}

// connected is a connection to the server that runs, or nil if none does.
func (a *app) connected() (*connection, error) {
	_, elsewhere, err := devserver.Elsewhere(a.home)
	if err != nil {
		return nil, err
	}
	if _, running := devserver.Running(a.home); !running && !elsewhere {
		return nil, nil
	}
	return a.connect(serverFlags{})
}

// connect finds or starts a Temporal server.
func (a *app) connect(f serverFlags) (*connection, error) {
	o := client.Options{Logger: workflows.Logger{Log: a.log()}, MetricsHandler: a.metrics}
	if err := workflows.Encrypt(&o, os.Getenv); err != nil {
		return nil, err
	}
	stopTrace, err := a.trace(&o)
	if err != nil {
		return nil, err
	}
	c, server, err := devserver.Connect(a.ctx, devserver.Options{
		Home: a.home, Port: f.Port, UIPort: f.UIPort, Alive: a.alive,
		Progress: func(line string) { a.say("%s", line) },
	}, o)
	if err != nil {
		return nil, err
	}
	conn := &connection{Client: c, server: server, payloads: o.DataConverter, closers: []func() error{stopTrace}}
	if server != nil {
		conn.address, conn.namespace = server.Address, server.Namespace
		if err := workflows.Register(a.ctx, c, conn.namespace); err != nil { // a database of an older version lacks some
			conn.Close()
			return nil, err
		}
		return conn, nil
	}
	a.alive.KeepProgram()
	env, _, err := devserver.Elsewhere(a.home) // devserver.Connect has asked, too
	if err == nil {
		err = a.alive.Keep("the state directory", a.home)
	}
	if err != nil {
		return nil, err
	}
	conn.address, conn.namespace = env.HostPort, cmp.Or(env.Namespace, client.DefaultNamespace)
	if err := workflows.Register(a.ctx, c, conn.namespace); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// startWorkers starts the store's worker and a training one in this process.
func (c *connection) startWorkers(a *app, o study.Offer, allow func(*trials.Command) error) error {
	st, err := a.state()
	if err != nil {
		return err
	}
	if err := errors.Join(a.alive.Keep("the store", st.Store.Path()), a.keepBlobs(st.Files.Blobs)); err != nil {
		return errors.Join(err, st.Close())
	}
	o = o.Complete()
	boundHeap(o)
	st.Data.Shared = a.sharedData()
	train := st.TrainActivities(nil)
	train.Allow, train.Sockets = allow, a.sockets()
	workers, err := workflows.StartWorkers(c.Client, c.namespace, workflows.DefaultQueue, st.Recorder(), train, o)
	if err != nil {
		return errors.Join(err, st.Close())
	}
	c.closers = append(c.closers, st.Close, func() error { workers.Stop(); return nil })
	return nil
}

// sockets is the folder of the sockets by which ranks of gangs meet.
func (a *app) sockets() string {
	dir := filepath.Join(a.home, "ranks")
	if len(dir) > 80 { // the name of a socket may have some hundred bytes
		return ""
	}
	return dir
}

// Close lets go of everything, in the order that keeps results.
func (c *connection) Close() error {
	var err error
	for i := len(c.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, c.closers[i]())
	}
	c.Client.Close()
	if c.server != nil {
		err = errors.Join(err, c.server.Close())
	}
	return err
}

// state opens the state directory for writing.
func (a *app) state() (*budwood.State, error) {
	if err := a.alive.Look(); err != nil { // it would be made again
		return nil, err
	}
	if err := os.MkdirAll(a.home, 0o700); err != nil {
		return nil, err
	}
	blobs, err := a.makeBlobs()
	if err != nil {
		return nil, err
	}
	return budwood.OpenState(a.home, a.dataFiles(blobs), a.log())
}

// log is this process's log, in the state directory: the terminal is for what
// the user asked for.
func (a *app) log() zerolog.Logger {
	path := filepath.Join(a.home, "logs", "budwood.log")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return zerolog.Nop()
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return zerolog.Nop()
	}
	return zerolog.New(f).With().Timestamp().Int("pid", os.Getpid()).Logger().Level(zerolog.WarnLevel)
}
