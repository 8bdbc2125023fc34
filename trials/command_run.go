package trials

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"budwood/search"
	"budwood/trials/reap"
)

const (
	outputCap  = 1 << 20 // bytes of a command's output that are kept
	outputTail = 40      // lines of it that an error shows
	lineCap    = 1 << 20 // bytes of one line
)

// Objective trains one candidate by running the command. Output, what it printed
// last, is kept by output, if that is not nil, when the command has ended.
func (c *Command) Objective(output func(*Trial, []byte)) Objective {
	return func(ctx context.Context, t *Trial) error {
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
	output  *tail
	reports chan said     // closed when the command has closed its output
	broken  chan error    // a report that cannot be read
	quit    chan struct{} // nobody takes reports any more
	ended   chan error    // of the command itself
	tell    *os.File      // go on, or stop
	limit   <-chan time.Time
}

// start starts the command with two pipes beside its output: reports come on
// descriptor 3, and on 4 each is answered.
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
	args := c.expand(values)
	r := &commandRun{
		c: c, t: t, dir: dir, output: &tail{cap: outputCap},
		reports: make(chan said), broken: make(chan error, 1), quit: make(chan struct{}), ended: make(chan error, 1),
	}
	r.cmd = exec.Command(args[0], args[1:]...)
	r.cmd.Dir = c.Dir
	r.cmd.Env = append(os.Environ(), c.environment(values)...)
	for k, v := range c.Env {
		r.cmd.Env = append(r.cmd.Env, k+"="+v)
	}
	var pipes [3][2]*os.File // output, reports, answers; what is read, what is written
	for i := range pipes {
		if pipes[i][0], pipes[i][1], err = os.Pipe(); err != nil {
			return nil, err
		}
	}
	r.cmd.Stdout, r.cmd.Stderr = pipes[0][1], pipes[0][1]
	r.cmd.ExtraFiles = []*os.File{pipes[1][1], pipes[2][0]}
	r.tell = pipes[2][1]
	if err = t.reaper.ready(); err == nil {
		r.group, err = startGroup(r.cmd, c.CPU, c.Mem)
	}
	pipes[0][1].Close()
	pipes[1][1].Close()
	pipes[2][0].Close()
	if err != nil {
		pipes[0][0].Close()
		pipes[1][0].Close()
		r.tell.Close()
		var missing *exec.Error
		if errors.As(err, &missing) {
			err = missing.Err
		}
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	if r.unwatch, err = t.reaper.watch(r.group.id, work); err != nil {
		r.group.kill()
		_ = r.cmd.Wait()
		pipes[0][0].Close()
		pipes[1][0].Close()
		r.tell.Close()
		return nil, err
	}
	t.meterOutside(r.group.cpuTime)
	closed := make(chan struct{}, 2)
	go r.read(pipes[0][0], true, closed)
	go r.read(pipes[1][0], false, closed)
	go func() {
		<-closed
		<-closed
		close(r.reports)
	}()
	go func() { r.ended <- r.cmd.Wait() }()
	if c.Time > 0 {
		r.limit = time.After(c.Time)
	}
	return r, nil
}

// environment tells the command what to do.
func (c *Command) environment(values map[string]string) []string {
	env := []string{
		"BUDWOOD_TRIAL=" + values[nameTrial], "BUDWOOD_SEED=" + values[nameSeed], "BUDWOOD_EPOCHS=" + values[nameEpochs],
		"BUDWOOD_TOTAL=" + values[nameTotal], "BUDWOOD_DONE=" + values[nameDone], "BUDWOOD_PARAMS=" + values[nameParams],
		reap.Checkpoint + values[nameCheckpoint], "BUDWOOD_REPORT_FD=3", "BUDWOOD_ANSWER_FD=4", "PYTHONUNBUFFERED=1",
	}
	if c.CPU > 0 { // so that trials times threads stay within the cores
		for _, k := range []string{"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "GOMAXPROCS"} {
			env = append(env, k+"="+strconv.Itoa(c.CPU))
		}
	}
	return env
}

// read takes reports off a pipe: marked lines of the output, every line of the
// report descriptor.
func (r *commandRun) read(f *os.File, marked bool, closed chan<- struct{}) {
	defer func() { f.Close(); closed <- struct{}{} }()
	b := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := readLine(b)
		if marked {
			_, _ = r.output.Write(append(line, '\n'))
			line = reportIn(line)
		}
		if len(line) > 0 {
			s, bad := parseReport(line)
			if bad != nil {
				select {
				case r.broken <- bad:
				default:
				}
			} else {
				select {
				case r.reports <- s:
				case <-r.quit: // read on, so that the command is not blocked by a full pipe
				}
			}
		}
		if err != nil {
			return
		}
	}
}

// readLine reads a line of any length and returns its beginning.
func readLine(b *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		part, more, err := b.ReadLine()
		if len(out) < lineCap {
			out = append(out, part...)
		}
		if err != nil || !more {
			return out, err
		}
	}
}

// follow passes reports on until the segment or the command ends.
func (r *commandRun) follow(ctx context.Context) error {
	t := r.t
	var failure error
	watch := time.NewTicker(100 * time.Millisecond)
	defer watch.Stop()
	exited := false
	var exit error
	next := func() (go_on bool) { // waits for one report
		for {
			select {
			case s, ok := <-r.reports:
				if !ok {
					exited, exit = true, <-r.ended
					return false
				}
				if r.take(s, &failure) {
					return true
				}
				if failure != nil || t.stopped != "" || s.done {
					return false
				}
			case err := <-r.broken:
				failure = err
				return false
			case <-r.limit:
				failure = fmt.Errorf("the command ran longer than its limit of %s", r.c.Time)
				return false
			case <-ctx.Done():
				return false
			case <-watch.C:
				if used := r.group.memory(); r.c.Mem > 0 && used > r.c.Mem {
					failure = fmt.Errorf("the command used %s of memory; its limit is %s", bytesText(used), bytesText(r.c.Mem))
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
		exited, exit = r.end(why)
		if exited && exit == nil && failure == nil && r.dir.snapshot == nil { // it ended well: the directory is whole
			failure = r.dir.take()
		}
	} else {
		r.tell.Close()
		close(r.quit)
		r.group.kill() // what it has started and left behind
	}
	switch {
	case failure != nil:
		return fmt.Errorf("trial %s: %w%s", t.Name(), failure, r.said())
	case ctx.Err() != nil:
		return ctx.Err()
	case t.err != nil || t.stopped != "" || t.progress.Epoch >= t.task.To:
		return nil
	case exit != nil:
		return fmt.Errorf("trial %s: the command %s%s", t.Name(), exitText(exit), r.said())
	case t.progress.Epoch == 0:
		return fmt.Errorf("trial %s: the command ended without a report%s", t.Name(), r.said())
	}
	if err := r.dir.take(); err != nil {
		return err
	}
	t.stopped, t.reason = search.Completed, fmt.Sprintf("the command ended after epoch %d", t.progress.Epoch)
	return nil
}

// take passes one line on, and answers what is no epoch's report; it tells
// whether it was one.
func (r *commandRun) take(s said, failure *error) (epoch bool) {
	t := r.t
	switch {
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
	if len(s.metrics) == 0 || s.epoch > 0 && s.epoch <= t.progress.Epoch { // nothing new: it trains again what is known
		if !s.done {
			r.answer("")
		}
		return false
	}
	if s.epoch > 0 {
		t.progress.Epoch = min(s.epoch, t.task.To) - 1
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
// tells whether the command ended by itself, and how.
func (r *commandRun) end(why string) (itself bool, exit error) {
	r.answer(why)
	r.tell.Close()
	defer close(r.quit)
	defer r.group.kill()
	for step, patience := range []time.Duration{r.c.grace(), r.c.grace()} {
		timer := time.NewTimer(patience)
		for waiting := true; waiting; {
			select {
			case exit = <-r.ended:
				timer.Stop()
				return step == 0, exit
			case s, ok := <-r.reports:
				if !ok {
					r.reports = nil
				} else if s.checkpoint && (len(s.metrics) == 0 || s.epoch > 0 && s.epoch <= r.t.progress.Epoch) {
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
	return false, <-r.ended
}

// said is the end of the command's output, as part of an error.
func (r *commandRun) said() string {
	text := r.output.lines(outputTail)
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return "\n" + text
}

// exitText says how a command ended.
func exitText(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "ended with " + exit.String()
	}
	return "failed: " + err.Error()
}

// bytesText writes a size: 1.5 GiB.
func bytesText(n int64) string {
	x, unit := float64(n), "bytes"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if x < 1024 {
			break
		}
		x, unit = x/1024, u
	}
	return fmt.Sprintf("%.3g %s", x, unit)
}
