package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/data"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/energy"
	"budwood/workflows"
)

// offerFlags are what a worker has for trials.
type offerFlags struct {
	CPU           *int         `name:"cpu" help:"Processors for trials; a trial that does not ask for more takes one. Default: all." placeholder:"N"`
	Mem           *study.Bytes `help:"Memory for all trials together, like 8GiB. Default: three quarters of what the machine, or the control group around it, has." placeholder:"BYTES"`
	Tags          []string     `help:"What else the worker has, like gpu, for trials that need it." placeholder:"TAG"`
	RanksListen   string       `name:"ranks-listen" help:"Take part in gangs of several machines (mesh.ranks): the name or number by which the others reach this one, without a port. Default: only in gangs of this machine." placeholder:"ADDRESS"`
	RanksPlain    bool         `name:"ranks-plain" help:"With --ranks-listen: speak to ranks on other machines without TLS, on an isolated network. All of their workers need it, or none."`
	AllowCommands bool         `help:"Run the programs of studies whose objective is a command. Anyone who can submit a study can then run programs here."`
}

// Validate is called once the flags are read.
func (f *offerFlags) Validate() error {
	switch {
	case f.CPU != nil && *f.CPU < 1:
		return fmt.Errorf("--cpu: %d processors train nothing: give at least 1", *f.CPU)
	case f.Mem != nil && *f.Mem < 1:
		return errors.New("--mem: no memory trains nothing: give an amount like 8GiB")
	case f.RanksListen == "" && f.RanksPlain:
		return errors.New("--ranks-plain belongs to --ranks-listen: ranks of one machine meet by sockets")
	case f.RanksListen == "":
		return nil
	}
	if ip := net.ParseIP(f.RanksListen); ip != nil && ip.IsUnspecified() {
		return fmt.Errorf("--ranks-listen: at %s nobody reaches this machine: give its name or number", f.RanksListen)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(f.RanksListen, "0"))
	if err != nil {
		return fmt.Errorf("--ranks-listen: %q is not an address of this machine, without a port: %w", f.RanksListen, err)
	}
	return l.Close()
}

func (f *offerFlags) offer() study.Offer {
	o := study.Offer{Tags: f.Tags, Address: f.RanksListen, Plain: f.RanksPlain}
	override(&o.CPU, f.CPU)
	override(&o.Mem, f.Mem)
	return o
}

// allow is nil where no command may run.
func (f *offerFlags) allow() func(*trials.Command) error {
	if !f.AllowCommands {
		return nil
	}
	return func(*trials.Command) error { return nil }
}

// ownHeap is the memory that a worker's process takes beside its trials.
const ownHeap = 256 << 20

// boundHeap has the runtime collect what trials have left behind before the process
// grows beyond what it may have. GOMEMLIMIT, if it is set, says otherwise.
func boundHeap(o study.Offer) {
	if o.Mem > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(o.Mem) + ownHeap)
	}
}

type upCmd struct {
	serverFlags
	offerFlags
	metricsFlags
}

func (c *upCmd) Run(a *app) error {
	if err := a.room(); err != nil {
		return err
	}
	stop, err := c.metricsFlags.serve(a)
	if err != nil {
		return err
	}
	defer stop()
	conn, err := a.connect(c.serverFlags)
	if err != nil {
		return err
	}
	defer conn.Close()
	// With this lock in hand no other command starts workers in the background;
	// if some run already, these help them.
	if lock, err := a.lockWorkers(); err == nil {
		defer lock.Close()
		if err := a.alive.KeepOpen("the lock", lock.Name(), lock); err != nil {
			return err
		}
	} else if !errors.Is(err, devserver.ErrLocked) {
		return err
	}
	if err := conn.startWorkers(a, c.offer(), c.allow()); err != nil {
		return err
	}
	if conn.server != nil {
		fmt.Fprintf(a.stdout, "web UI          %s\n", link(a.stdout, conn.server.Info, ""))
	}
	fmt.Fprintf(a.stdout, "Temporal        %s, namespace %s\nstate           %s\nmemory          %s\nsubmit a study  budwood run FILE\nCtrl-C ends it; studies go on when it is started again\n", conn.address, conn.namespace, a.home, c.offer().Describe())
	<-a.ctx.Done()
	return a.gone()
}

type workerCmd struct {
	offerFlags
	metricsFlags
}

// Run trains for studies of a Temporal server that the environment names. It
// needs no access to the store.
func (c *workerCmd) Run(a *app) error {
	blobs, err := a.openBlobs()
	if err != nil {
		return err
	}
	stop, err := c.metricsFlags.serve(a)
	if err != nil {
		return err
	}
	defer stop()
	conn, err := a.connect(serverFlags{})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := errors.Join(a.makeDir(blobs), a.keepBlobs(blobs)); err != nil {
		return err
	}
	power, err := energy.CorePower(os.Getenv)
	if err != nil {
		return err
	}
	name := trials.WorkerName()
	losses, err := trials.NewLosses(budwood.WorkersDir(a.home), blobs, name, a.log())
	if err != nil {
		return err
	}
	defer losses.Close()
	machine, err := budwood.ReadMachine(a.home)
	if err != nil {
		return err
	}
	offer := c.offer().Complete()
	boundHeap(offer)
	files := a.dataFiles(blobs)
	w := workflows.NewTrainWorker(conn.Client, conn.namespace, workflows.DefaultQueue, &workflows.TrainActivities{
		Runner: &trials.Runner{Blobs: blobs, Meter: energy.NewAttributor(power), Name: name, Log: a.log(), Losses: losses, Machine: machine, Cores: trials.NewCores()},
		Data:   &data.Cache{Files: files, Shared: a.sharedData()}, Allow: c.allow(), Log: a.log(), Sockets: a.sockets(),
	}, offer)
	if err := w.Start(); err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	defer w.Stop()
	fmt.Fprintf(a.stdout, "worker %s trains for %s, checkpoints in %s; Ctrl-C ends it\nmemory: %s\n", name, conn.address, blobs, offer.Describe())
	<-a.ctx.Done()
	return a.gone()
}
