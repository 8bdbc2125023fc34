package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"go.temporal.io/sdk/client"
	"golang.org/x/term"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/study"
	"budwood/trials/store"
)

// cli are the commands and their flags.
type cli struct {
	Compress  compressCmd  `cmd:"" help:"Make the best network of an ended study smaller: plans are searched, each is compared with the original."`
	Run       runCmd       `cmd:"" help:"Run a study from a file and follow it. Run it again to continue where it stopped."`
	Plan      planCmd      `cmd:"" help:"Show a study with every default, and what it would spend, without running it."`
	Fit       fitCmd       `cmd:"" help:"Learn from a table in one command: write its study file, run it, and say how good the result is."`
	Init      initCmd      `cmd:"" help:"Write the study file of a table, and run nothing."`
	Profile   profileCmd   `cmd:"" help:"Show how a table is understood: what each column is and why, classes, what is left out, what may be wrong."`
	Names     namesCmd     `cmd:"" help:"List what a study file may name: samplers, schedulers, metrics, hyperparameters, numbers, with their defaults and ranges."`
	Ls        lsCmd        `cmd:"" help:"List studies."`
	Show      showCmd      `cmd:"" help:"Show a study's trials, or one trial."`
	Best      bestCmd      `cmd:"" help:"Show a study's best trial."`
	Watch     watchCmd     `cmd:"" help:"Follow a study that runs."`
	Stop      stopCmd      `cmd:"" help:"End a study."`
	Pause     pauseCmd     `cmd:"" help:"Start nothing more in a study until it is resumed; running trials finish their segments."`
	Resume    resumeCmd    `cmd:"" help:"Resume a study that was paused."`
	Edit      editCmd      `cmd:"" help:"Change budgets, parallelism, priority or the space of a study that runs."`
	Trial     trialCmd     `cmd:"" help:"Add, stop or retry a trial of a study that runs; set trials aside."`
	Schedule  scheduleCmd  `cmd:"" help:"Run a study every night, or as often as you like."`
	Doctor    doctorCmd    `cmd:"" help:"Check everything that studies here depend on; back up or repair the store."`
	Objective objectiveCmd `cmd:"" help:"Test a program as an objective."`
	History   historyCmd   `cmd:"" help:"Take over what other tools have tried, or hand it back."`
	Rm        rmCmd        `cmd:"" help:"Delete a study that has ended, with its trials and checkpoints."`
	Up        upCmd        `cmd:"" help:"Run the Temporal server, its web UI and a worker until Ctrl-C."`
	UI        uiCmd        `cmd:"" name:"ui" help:"Print the address that lets a browser into the web UI, which runs while a server does."`
	Env       envCmd       `cmd:"" help:"Print Temporal's variables for the embedded server: eval \"$(budwood env)\" lets Temporal's own command line talk to it."`
	Worker    workerCmd    `cmd:"" help:"Run a worker that trains for studies on a Temporal server, until Ctrl-C."`
	Report    reportCmd    `cmd:"" help:"Write a study as one HTML page: curves, importance of parameters, trials."`
	Predict   predictCmd   `cmd:"" help:"Predict the rows of a table with the network of a study's best trial."`
	Export    exportCmd    `cmd:"" help:"Write the network of a study's best trial as an ONNX file."`

	Import importCmd `cmd:"" help:"Read a network that others have trained (ONNX, safetensors) and print what it is."`

	Version   kong.VersionFlag `help:"Print the version."`
	Home      string           `group:"everywhere" help:"State directory: Temporal's database, the store, checkpoints, logs." env:"BUDWOOD_HOME" placeholder:"DIR" type:"path"`
	Blobs     string           `group:"everywhere" help:"Where checkpoints are: a directory, or s3://bucket/prefix?endpoint=URL&region=NAME with credentials from the usual AWS environment. Default: blobs in the state directory." env:"BUDWOOD_BLOBS" placeholder:"URL"`
	DataCache study.Bytes      `group:"everywhere" help:"Most bytes of data sets kept in the state directory. The limit holds for fetched files and for decoded sets, each; those used last stay." default:"20GiB" env:"BUDWOOD_DATA_CACHE" placeholder:"BYTES"`
	OTLP      string           `group:"everywhere" name:"otlp" help:"Send traces of studies, trials and segments to this OpenTelemetry collector (OTLP over gRPC)." env:"OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`
}

// app is what commands work with.
type app struct {
	ctx       context.Context
	home      string
	blobs     string    // URL or directory of the checkpoints
	dataCache int64     // most bytes of local copies of data sets
	stdout    io.Writer // results
	stderr    io.Writer // progress
	alive     *devserver.Alive

	metrics client.MetricsHandler // of the Temporal client; nil: none
}

// run is the whole program except for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if f, ok := stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) { // help is as wide as it
		return command(ctx, args, stdout, stderr)
	}
	out := &results{w: stdout}
	code := command(ctx, args, out, stderr)
	switch {
	case out.broken():
		return exitBrokenPipe
	case code == exitDone && out.err != nil:
		return exitCode(stderr, fmt.Errorf("the results could not be written: %w", out.err))
	}
	return code
}

// command is run for results whose writer may be asked what became of them.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	stdout, stderr = plain{stdout}, plain{stderr}
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("budwood"),
		kong.Description("Durable, energy-aware search of hyperparameters and architectures."),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }), kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Vars{"version": version()},
		kong.ExplicitGroups([]kong.Group{{Key: "everywhere", Title: "Flags of every command:"}}))
	if err != nil {
		return exitCode(stderr, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if exited >= 0 { // help was asked for and printed
		return exited
	}
	if r, ok := exact(stdout).(*results); ok && r.err != nil { // help could not be written
		return exitCode(stderr, r.err)
	}
	if err != nil {
		return exitCode(stderr, usageError{fmt.Errorf("%w; see budwood --help", err)})
	}
	home := c.Home
	if home == "" {
		if home, err = budwood.Home(); err != nil {
			return exitCode(stderr, err)
		}
	}
	if f, err := os.Open(home); err == nil {
		f.Close()
	} else if errors.Is(err, fs.ErrPermission) {
		return exitCode(stderr, fmt.Errorf("%w: state directory %s is another user's; set BUDWOOD_HOME to a directory of your own", fs.ErrPermission, home))
	}
	blobs, err := blobsURL(home, c.Blobs)
	if err == nil {
		err = checkOTLP(c.OTLP)
	}
	if err != nil {
		return exitCode(stderr, err)
	}
	// What this program starts looks in the same places.
	if err := errors.Join(os.Setenv("BUDWOOD_HOME", home), os.Setenv("BUDWOOD_BLOBS", blobs), os.Setenv("BUDWOOD_DATA_CACHE", c.DataCache.String()), os.Setenv(otlpEnv, c.OTLP)); err != nil {
		return exitCode(stderr, err)
	}
	a := &app{home: home, blobs: blobs, dataCache: int64(c.DataCache), stdout: stdout, stderr: stderr}
	defer a.watch(ctx)()
	err = k.Run(a)
	if gone := a.whatIsGone(err); gone != nil {
		err = gone // whatever it led to
	}
	return exitCode(stderr, err)
}

// whatIsGone tells what an error comes of, if that is something that the command
// works with and that is gone. A directory that is just being removed loses its files
// first, so that it is looked at for a moment.
func (a *app) whatIsGone(err error) error {
	if err == nil || errors.Is(err, errDetached) || errors.As(err, new(usageError)) {
		return nil
	}
	for looks := 0; ; looks++ {
		if gone := a.alive.Look(); gone != nil || !a.alive.Watches() || looks == 10 {
			return gone
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// watch ends the command when something that it works with is gone: see
// [devserver.Alive].
func (a *app) watch(ctx context.Context) (end func()) {
	a.alive = &devserver.Alive{}
	ctx, cancel := context.WithCancelCause(ctx)
	a.ctx = ctx
	go func() {
		gone := a.alive.Wait(ctx)
		if gone == nil {
			return
		}
		cancel(gone)
		time.Sleep(closeTimeout)
		os.Exit(exitCode(a.stderr, gone))
	}()
	return func() { cancel(nil) }
}

// closeTimeout is how long a command may take to end what is gone.
const closeTimeout = 1 * time.Second

// gone is why the command ends by itself, nil if it does not.
func (a *app) gone() error {
	if err := context.Cause(a.ctx); errors.Is(err, devserver.ErrGone) {
		return err
	}
	return nil
}

// version is the program's, its Temporal server's and its compiler's.
func version() string {
	own := "unknown"
	if b, ok := debug.ReadBuildInfo(); ok {
		own = b.Main.Version
	}
	return fmt.Sprintf("budwood %s, Temporal %s, %s", own, devserver.Version, runtime.Version())
}

// say prints a line of progress.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.stderr, "budwood: "+format+"\n", args...)
}

// quiet is the app without progress, for commands that only answer.
func (a *app) quiet() *app {
	b := *a
	b.stderr = io.Discard
	return &b
}

// read opens the store for reading.
func (a *app) read() (*store.Store, error) {
	return store.OpenReadOnly(budwood.StoreFile(a.home))
}

// readSoon opens the store that workers are about to create or to bring up to date:
// those of a budwood up that has just been started say nothing when they have.
func (a *app) readSoon() (*store.Store, error) {
	for deadline := time.Now().Add(15 * time.Second); ; {
		db, err := a.read()
		if !errors.Is(err, store.ErrNoStore) && !errors.Is(err, store.ErrOlder) || time.Now().After(deadline) {
			return db, err
		}
		select {
		case <-a.ctx.Done():
			return nil, errDetached
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	if strings.HasSuffix(thing, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(thing, "y"))
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
