package trials

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"budwood/trials/reap"
)

// linger is how long the output of a command that has ended may stay open: those
// that pass it on, as tee does, end with it. What is left behind is killed then.
var linger = 500 * time.Millisecond

// Train is the training function that runs the command. Output, what it printed
// last, is kept by output, if that is not nil, when the command has ended.
// A command of several ranks starts all of them here: see [Command.At] for one that is
// started as a part of a gang.
func (c *Command) Train(output func(*Trial, []byte)) TrainFunc {
	return func(ctx context.Context, t *Trial) error {
		version := c.Version()
		t.TrainedBy(version)
		t.kernels = "" // of a program nobody knows
		defer func() { t.version = c.written(version) }()
		if c.place == nil && c.Ranks.Several() {
			return c.gang(ctx, t, output)
		}
		return c.process(ctx, t, output, (*commandRun).follow)
	}
}

// process runs the command in a working directory of its own. follow sees it to its
// end.
func (c *Command) process(ctx context.Context, t *Trial, output func(*Trial, []byte), follow func(*commandRun, context.Context) error) error {
	work, err := newWorkDir(t.Name())
	if err != nil {
		return err
	}
	unwatch := func() {}
	defer func() {
		work.remove()
		unwatch() // not before: the reaper would leave the files
	}()
	dir := &commandDir{path: filepath.Join(work.path, "checkpoint")}
	if err := os.Mkdir(dir.path, 0o755); err != nil {
		return err
	}
	if err := t.Keep(dir); err != nil {
		return err
	}
	r, err := c.start(ctx, t, work.path, dir)
	if err != nil {
		return err
	}
	unwatch = r.unwatch
	err = follow(r, ctx)
	if output != nil {
		output(t, r.output.Bytes())
	}
	return err
}

// commandRun is a command that runs for a segment of a trial.
type commandRun struct {
	c       *Command
	t       *Trial
	dir     *commandDir
	cmd     *exec.Cmd
	group   *processGroup
	unwatch func()   // ends the watch of the reaper
	output  *excerpt // what it printed, on both streams as it came
	streams []*stream
	reports chan commandReport // closed when the command has ended and what it said before is read
	exit    error              // how it ended; known when reports is closed
	ended   time.Time          // the same
	exited  bool               // reports is closed, without the command having been told to stop
	failure error              // what ends the segment as a failure: of its reports, or above a limit
	cut     error              // a report that its end cut short
	tell    *os.File           // go on, or stop
	limit   <-chan time.Time
}

// stream is one on which a command writes.
type stream struct {
	file *os.File
	scan reportScanner
	last *excerpt // what was written last, for errors; nil for that of reports
}

// start starts the command with two pipes beside its output: reports come on
// descriptor 3, and on 4 each is answered. Standard output and error are apart, so
// that neither cuts into the reports on the other.
func (c *Command) start(ctx context.Context, t *Trial, work string, dir *commandDir) (*commandRun, error) {
	params := filepath.Join(work, "params.json")
	b, err := json.Marshal(t.Params)
	if err == nil {
		err = os.WriteFile(params, b, 0o644)
	}
	if err != nil {
		return nil, err
	}
	values := t.values(params, dir.path)
	args := c.expand(t.Params, values)
	r := &commandRun{c: c, t: t, dir: dir, output: &excerpt{first: outputHead, last: outputTail}, reports: make(chan commandReport)}
	r.cmd = exec.Command(args[0], args[1:]...)
	r.cmd.Dir = c.Dir
	r.cmd.Env = c.environment(values)
	theirs, err := r.open()
	if err != nil {
		return nil, err
	}
	if err = t.runner.reaper.ready(); err == nil {
		r.group, err = startGroup(r.cmd, c.CPU, c.Mem)
	}
	closeAll(theirs)
	if err != nil {
		r.close()
		var missing *exec.Error
		if errors.As(err, &missing) {
			err = missing.Err
		}
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	if r.unwatch, err = t.runner.reaper.watch(r.group.id, work); err != nil {
		r.group.kill()
		_ = r.cmd.Wait()
		r.close()
		return nil, err
	}
	t.meterOutside(r.group.cpuTime)
	var readers sync.WaitGroup
	for _, s := range r.streams {
		readers.Go(func() { r.read(s) })
	}
	read := make(chan struct{})
	go func() { readers.Wait(); close(read) }()
	go r.wait(read)
	if c.Time > 0 {
		r.limit = time.After(c.Time)
	}
	return r, nil
}

// open makes the pipes: ours are the run's, and theirs are the command's.
func (r *commandRun) open() (theirs []*os.File, err error) {
	fail := func(err error) ([]*os.File, error) {
		closeAll(theirs)
		r.close()
		return nil, err
	}
	for _, s := range []*stream{
		{scan: reportScanner{where: "standard output"}, last: &excerpt{last: shownTail}},
		{scan: reportScanner{where: "standard error"}, last: &excerpt{last: shownTail}},
		{scan: reportScanner{where: "descriptor 3", bare: true}},
	} {
		in, out, err := os.Pipe()
		if err != nil {
			return fail(err)
		}
		s.file, r.streams, theirs = in, append(r.streams, s), append(theirs, out)
	}
	in, out, err := os.Pipe() // answers
	if err != nil {
		return fail(err)
	}
	r.tell, theirs = out, append(theirs, in)
	r.cmd.Stdout, r.cmd.Stderr, r.cmd.ExtraFiles = theirs[0], theirs[1], theirs[2:]
	return theirs, nil
}

// close closes our side of the pipes of a command that has not been started.
func (r *commandRun) close() {
	for _, s := range r.streams {
		s.file.Close()
	}
	if r.tell != nil {
		r.tell.Close()
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// wait waits for the command itself, not for what it has started: that ends with
// it, whatever it holds open. What was written before is read to its end.
func (r *commandRun) wait(read <-chan struct{}) {
	r.exit = r.cmd.Wait()
	r.ended = time.Now()
	if p := r.cmd.ProcessState; p != nil {
		r.group.ended(p)
	}
	select {
	case <-read:
	case <-time.After(linger):
	}
	r.group.kill()
	for _, s := range r.streams {
		_ = s.file.SetReadDeadline(time.Now()) // one that is closed needs none
	}
	<-read
	close(r.reports)
}

// environment tells the command what to do. A variable of its own that stands
// for a parameter which the candidate lacks is not there.
func (c *Command) environment(values map[string]string) []string {
	own, absent := c.variables(values)
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(absent, name)
	})
	env = append(env, c.place.variables()...)
	env = append(env,
		"BUDWOOD_TRIAL="+values[nameTrial], "BUDWOOD_SEED="+values[nameSeed], "BUDWOOD_EPOCHS="+values[nameEpochs],
		"BUDWOOD_TOTAL="+values[nameTotal], "BUDWOOD_DONE="+values[nameDone], "BUDWOOD_PARAMS="+values[nameParams],
		reap.Checkpoint+values[nameCheckpoint], "BUDWOOD_REPORT_FD=3", "BUDWOOD_ANSWER_FD=4", "PYTHONUNBUFFERED=1",
	)
	if c.CPU > 0 { // so that trials times threads stay within the cores
		for _, k := range []string{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "GOMAXPROCS"} {
			env = append(env, k+"="+strconv.Itoa(c.CPU))
		}
	}
	return append(env, own...)
}
