package trials

import (
	"cmp"
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
	"syscall"
	"time"

	"budwood/search"
	"budwood/trials/reap"
)

const (
	outputHead = 256 << 10 // bytes of a command's output that are kept of its beginning
	outputTail = 768 << 10 // and of its end
	saidTail   = 16 << 10  // bytes of a stream that an error may show
	saidLines  = 20        // lines of it
	saidLine   = 400       // bytes of one
)

// linger is how long the output of a command that has ended may stay open: those
// that pass it on, as tee does, end with it. What is left behind is killed then.
var linger = 500 * time.Millisecond

// Train is the training function that runs the command. Output, what it printed
// last, is kept by output, if that is not nil, when the command has ended.
func (c *Command) Train(output func(*Trial, []byte)) TrainFunc {
	return func(ctx context.Context, t *Trial) error {
		version := c.Version()
		t.TrainedBy(version)
		t.kernels = "" // of a program nobody knows
		defer func() { t.version = c.written(version) }()
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
		err = r.follow(ctx)
		if output != nil {
			output(t, r.output.Bytes())
		}
		return err
	}
}

// commandRun is a command that runs for a segment of a trial.
type commandRun struct {
	c       *Command
	t       *Trial
	dir     *commandDir
	cmd     *exec.Cmd
	group   *processGroup
	unwatch func() // of the reaper
	output  *kept  // what it printed, on both streams as it came
	streams []*stream
	reports chan said // closed when the command has ended and what it said before is read
	exit    error     // how it ended; known when reports is closed
	cut     error     // a report that its end cut short
	tell    *os.File  // go on, or stop
	limit   <-chan time.Time
}

// stream is one on which a command writes.
type stream struct {
	file *os.File
	scan reportScanner
	last *kept // what was written last, for errors; nil for that of reports
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
	r := &commandRun{c: c, t: t, dir: dir, output: &kept{first: outputHead, last: outputTail}, reports: make(chan said)}
	r.cmd = exec.Command(args[0], args[1:]...)
	r.cmd.Dir = c.Dir
	r.cmd.Env = c.environment(values)
	var ours, theirs []*os.File
	closeAll := func(files []*os.File) {
		for _, f := range files {
			f.Close()
		}
	}
	for _, s := range []*stream{
		{scan: reportScanner{where: "standard output"}, last: &kept{last: saidTail}},
		{scan: reportScanner{where: "standard error"}, last: &kept{last: saidTail}},
		{scan: reportScanner{where: "descriptor 3", bare: true}},
		nil, // answers
	} {
		in, out, err := os.Pipe()
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, err
		}
		if s == nil {
			r.tell = out
			ours, theirs = append(ours, out), append(theirs, in)
			continue
		}
		s.file, r.streams = in, append(r.streams, s)
		ours, theirs = append(ours, in), append(theirs, out)
	}
	r.cmd.Stdout, r.cmd.Stderr, r.cmd.ExtraFiles = theirs[0], theirs[1], theirs[2:]
	if err = t.runner.reaper.ready(); err == nil {
		r.group, err = startGroup(r.cmd, c.CPU, c.Mem)
	}
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		var missing *exec.Error
		if errors.As(err, &missing) {
			err = missing.Err
		}
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	if r.unwatch, err = t.runner.reaper.watch(r.group.id, work); err != nil {
		r.group.kill()
		_ = r.cmd.Wait()
		closeAll(ours)
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

// wait waits for the command itself, not for what it has started: that ends with
// it, whatever it holds open. What was written before is read to its end.
func (r *commandRun) wait(read <-chan struct{}) {
	r.exit = r.cmd.Wait()
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

// read takes reports off a stream until it ends, or the command has.
func (r *commandRun) read(s *stream) {
	defer s.file.Close()
	report := func(what said) { r.reports <- what }
	took := func(b []byte) {
		if s.last != nil {
			_, _ = r.output.Write(b)
			_, _ = s.last.Write(b)
		}
		s.scan.scan(b, report)
	}
	b := make([]byte, 64<<10)
	for {
		n, err := s.file.Read(b)
		took(b[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) { // the command has ended: all that it wrote is in the pipe
			drain(s.file, b, took)
		}
		if err != nil {
			break
		}
	}
	s.scan.end(report)
}

// pipeCap is what a pipe holds at most, unless the system's administrator says
// otherwise (fs.pipe-max-size of Linux).
const pipeCap = 1 << 20

// drain takes what is in a pipe at this moment, whoever may still write to it.
func drain(f *os.File, b []byte, took func([]byte)) {
	_ = f.SetReadDeadline(time.Time{})
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	for left := pipeCap; left > 0; {
		var n int
		var errno error
		if err := raw.Read(func(fd uintptr) bool { n, errno = syscall.Read(int(fd), b); return true }); err != nil {
			return
		}
		if errors.Is(errno, syscall.EINTR) {
			continue
		}
		if errno != nil || n <= 0 { // EAGAIN: it is empty
			return
		}
		took(b[:n])
		left -= n
	}
}

// follow passes reports on until the segment or the command ends.
func (r *commandRun) follow(ctx context.Context) error {
	t := r.t
	var failure error
	watch := time.NewTicker(100 * time.Millisecond)
	defer watch.Stop()
	exited := false
	next := func() (go_on bool) { // waits for one report
		for {
			select {
			case s, ok := <-r.reports:
				if !ok {
					exited = true
					return false
				}
				if r.take(s, &failure) {
					return true
				}
				if failure != nil || t.stopped != "" || s.done {
					return false
				}
			case <-r.limit:
				failure = fmt.Errorf("the command ran longer than its limit of %s", r.c.Time)
				return false
			case <-ctx.Done():
				return false
			case <-watch.C:
				if used := r.group.memory(); r.c.Mem > 0 && used > r.c.Mem {
					failure = fmt.Errorf("the command used %s of memory; its limit is %s", BytesText(used), BytesText(r.c.Mem))
					return false
				}
			}
		}
	}
	reported := false
	for range t.Epochs() {
		if reported { // not before: what was reported is kept by now
			r.answer("")
		}
		if reported = next(); !reported {
			break
		}
	}
	why := t.reason
	switch {
	case failure != nil:
		why = failure.Error()
	case ctx.Err() != nil:
		why = context.Cause(ctx).Error()
	case why == "":
		why = fmt.Sprintf("trained to %d", t.task.To)
	}
	if !exited {
		exited = r.end(why)
		if exited && r.exit == nil && failure == nil && r.dir.snapshot == nil { // it ended well: the directory is whole
			failure = r.dir.take()
		}
	} else {
		r.tell.Close()
	}
	switch {
	case failure != nil:
		return fmt.Errorf("trial %s: %w%s", t.Name(), failure, r.said())
	case ctx.Err() != nil:
		return ctx.Err()
	case t.err != nil || t.stopped != "" || t.progress.Epoch >= t.task.To:
		return nil
	case r.exit != nil:
		return fmt.Errorf("trial %s: the command %s%s", t.Name(), exitText(r.exit), r.said())
	case r.cut != nil:
		return fmt.Errorf("trial %s: %w%s", t.Name(), r.cut, r.said())
	case t.progress.Epoch == 0:
		return fmt.Errorf("trial %s: the command ended without a report%s", t.Name(), r.said())
	}
	if err := r.dir.take(); err != nil {
		return err
	}
	t.stopped, t.reason = search.Completed, fmt.Sprintf("the command ended after epoch %d", t.progress.Epoch)
	return nil
}

// take passes one report on, and answers what is no epoch's; it tells whether it
// was one.
func (r *commandRun) take(s said, failure *error) (epoch bool) {
	t := r.t
	switch {
	case s.cut:
		r.cut = s.broken
		return false
	case s.broken != nil:
		*failure = s.broken
		return false
	case s.infeasible != "":
		t.stopped, t.reason = search.Infeasible, s.infeasible
		return false
	case s.diverged != "":
		t.stopped, t.reason = search.Diverged, s.diverged
		return false
	}
	if s.checkpoint {
		if err := r.dir.take(); err != nil {
			*failure = err
			return false
		}
	}
	if why, ok := s.other[t.task.Objectives[0].Metric]; ok {
		*failure = fmt.Errorf("the report of epoch %d: %q is %s, which is not a number", cmp.Or(s.epoch, t.progress.Epoch+1), t.task.Objectives[0].Metric, why)
		return false
	}
	if known := s.epoch > 0 && s.epoch <= t.progress.Epoch; known || len(s.metrics) == 0 { // it trains again what is known, or is late
		if known {
			t.reportLate(s.epoch, s.metrics)
		}
		if !s.done && t.stopped == "" {
			r.answer("")
		}
		return false
	}
	if s.epoch > 0 {
		t.Skip(s.epoch - 1)
	}
	t.ReportAll(s.metrics)
	return true
}

// answer tells the command to go on, or why to stop. One that does not listen
// is not waited for.
func (r *commandRun) answer(stop string) {
	a := map[string]any{"go": true}
	if stop != "" {
		a = map[string]any{"stop": stop}
	}
	b, err := json.Marshal(a)
	if err != nil {
		return
	}
	_ = r.tell.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = r.tell.Write(append(b, '\n'))
}

// end tells the command to stop and waits until its process group is gone. It
// tells whether the command ended by itself.
func (r *commandRun) end(why string) (itself bool) {
	r.answer(why)
	r.tell.Close()
	for step := range 2 {
		timer := time.NewTimer(r.c.grace())
		for waiting := true; waiting; {
			select {
			case s, ok := <-r.reports:
				if !ok {
					timer.Stop()
					return step == 0
				}
				if s.checkpoint && (len(s.metrics) == 0 || s.epoch > 0 && s.epoch <= r.t.progress.Epoch) {
					_ = r.dir.take() // not of an epoch that came after the end
				}
			case <-timer.C:
				waiting = false
			}
		}
		if step == 0 {
			r.group.terminate()
		}
	}
	r.group.kill()
	for range r.reports { // until it is gone
	}
	return false
}

// said is the end of the command's output, as part of an error: the last line is
// what it said last on standard error, if anything.
func (r *commandRun) said() string {
	var out string
	for _, s := range r.streams {
		if s.last == nil {
			continue
		}
		for _, line := range s.last.lines(saidLines, saidLine) {
			out += "\n" + line
		}
	}
	return out
}

// exitText says how a command ended.
func exitText(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "ended with " + exit.String()
	}
	return "failed: " + err.Error()
}
