package trials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/semaphore"

	"budwood/engine"
	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// Task is one segment to train. It is plain data and travels to the worker.
type Task struct {
	Study      string             `json:"study"`
	Trial      search.Trial       `json:"trial"`
	Seed       uint64             `json:"seed"` // of the study
	From       int                `json:"from"` // epochs done before
	To         int                `json:"to"`
	Total      int                `json:"total"` // the study's epochs a trial
	Objectives []search.Objective `json:"objectives"`
	Patience   int                `json:"patience,omitempty"` // early stopping; 0: none
	MinDelta   float64            `json:"min_delta,omitempty"`
	Tried      int                `json:"tried,omitempty"`    // above the attempts before the end of the study interrupted the segment; it goes on from there
	Inherit    bool               `json:"inherit,omitempty"`  // it may begin with its parent's weights, and others with its own
	Supernet   bool               `json:"supernet,omitempty"` // it trains the weights that the study's candidates share, or is judged with them: see [SupernetTrial]
}

// EnergyWh is the metric under which every trial carries its energy so far, in
// watt-hours, so that it can be an objective.
const EnergyWh = "energy_wh"

// Runner trains segments. One Runner serves all trials of a process.
type Runner struct {
	Blobs blob.Store
	Meter *energy.Attributor // nil: an attributor of this process
	Every time.Duration      // between checkpoints within a segment; 0 means 1 s
	Name  string             // of this worker, for the record
	Log   zerolog.Logger

	Version segment.Version // of the objective, if it is a Go function of this process

	shared sharedWeights // the last that were asked for

	reaper reaper  // of what commands leave behind if this process is killed
	Losses *Losses // of workers, to know the trials that end them; nil: nobody looks

	turns turns
}

// turns lets a trial train while no other does.
type turns struct {
	once sync.Once
	all  *semaphore.Weighted
}

const everyTurn = 1 << 30

// take waits for a turn, or for all of them, unless ctx ends before.
func (t *turns) take(ctx context.Context, alone bool) (release func()) {
	t.once.Do(func() { t.all = semaphore.NewWeighted(everyTurn) })
	n := int64(1)
	if alone {
		n = everyTurn
	}
	if t.all.Acquire(ctx, n) != nil { // nothing will be trained
		return func() {}
	}
	return func() { t.all.Release(n) }
}

// WorkerName is the name of this process as a worker: host/process id.
func WorkerName() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// Run trains one segment. It returns a result for every end that is one
// (paused, completed, stopped, diverged, infeasible), an [*ObjectiveError] with
// what was spent if the objective failed, and any other error if a checkpoint
// could not be read or written. A segment that was trained to its end before is
// not trained again: its result is the one of then. When ctx is cancelled the
// trial is stopped, with the cause as its reason; but with the cause
// [ErrInterrupted] it is left as it is, to go on elsewhere. alive, if not nil,
// is told every epoch and its metrics.
func (r *Runner) Run(ctx context.Context, task Task, objective Objective, alive func(search.Measurement)) (segment.Result, error) {
	t := &Trial{Trial: task.Trial, ctx: ctx, task: task, meter: r.Meter, reaper: &r.reaper}
	t.latest = func(trial int) (*checkpoint, error) { return r.latest(ctx, task.Study, trial) }
	t.weights = func(fresh func() Supernet) (Supernet, int, error) { return r.supernet(ctx, task.Study, fresh) }
	t.begin = func() error { return r.save(ctx, t, partKey(task)) }
	t.progress.Early = engine.EarlyStop{
		Patience: task.Patience, MinDelta: task.MinDelta,
		Maximize: task.Objectives[0].Goal == search.Maximize,
	}
	restored, err := r.restore(ctx, task)
	if err != nil {
		return segment.Result{}, err
	}
	defer restored.close()
	if restored != nil && restored.Progress.Done != nil { // trained before, but the report was lost
		return *restored.Progress.Done, nil
	}
	if restored != nil && !restored.Progress.Blank {
		t.restored = restored
	}
	if restored != nil {
		// What was spent counts even if the objective keeps nothing and starts over.
		t.progress.Energy, t.progress.Seconds, t.progress.Before = restored.Progress.Energy, restored.Progress.Seconds, restored.Progress.Before
	}
	t.resumed(restored)
	t.TrainedBy(r.Version)

	lost, err := r.Losses.of(ctx, task)
	if err != nil {
		return segment.Result{}, err
	}
	failed, alone := verdict(lost)
	if failed != "" {
		return segment.Result{
			State: search.Failed, Reason: failed, Budget: task.From,
			Energy: t.progress.Energy, Seconds: t.progress.Seconds, Worker: r.Name,
		}, &ObjectiveError{errors.New(failed)}
	}
	defer r.turns.take(ctx, alone)()
	noteEpoch, noteEnd := r.Losses.train(task)
	defer noteEnd()
	if restored != nil {
		noteEpoch(restored.Progress.Epoch)
	}

	runtime.LockOSThread() // energy is attributed by the thread's CPU time
	defer runtime.UnlockOSThread()
	meter := r.Meter.Start()
	spent, began := t.progress.Energy, time.Now()
	seconds := t.progress.Seconds
	account := func() {
		t.progress.Energy = spent.Add(meter.Read())
		if t.outside != nil {
			t.progress.Energy = t.progress.Energy.Add(t.outside.Read())
		}
		t.progress.Seconds = seconds + time.Since(began).Seconds()
	}
	saved := time.Now()
	t.onEpoch = func(t *Trial) error {
		noteEpoch(t.progress.Epoch)
		if alive != nil {
			m := search.Measurement{Budget: t.progress.Epoch}
			if n := len(t.progress.Curve); n > 0 && t.progress.Curve[n-1].Budget == m.Budget {
				m.Metrics = maps.Clone(t.progress.Curve[n-1].Metrics)
			}
			alive(m)
		}
		if t.keeper == nil || time.Since(saved) < r.every() || t.progress.Epoch >= task.To {
			return nil
		}
		account()
		saved = time.Now()
		return r.save(ctx, t, partKey(task))
	}
	err = call(ctx, t, objective)
	account()
	meter.Stop()
	if t.outside != nil {
		t.outside.Stop()
	}
	var own *ObjectiveError
	switch {
	case errors.As(t.machine, &own): // its keeper cannot save, and could not the next time
		err = t.machine
	case t.machine != nil: // a checkpoint could not be written
		return segment.Result{}, t.machine
	case err == nil:
		err = t.err
	}
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), ErrInterrupted) && (err != nil || t.stopped == search.Stopped) {
		if t.keeper == nil {
			if err := r.keepSpent(ctx, t); err != nil { // to be interrupted matters more
				r.Log.Warn().Err(err).Msg("the energy of an interrupted attempt could not be kept")
			}
		} else if t.progress.Epoch > task.From {
			if err := r.save(context.WithoutCancel(ctx), t, partKey(task)); err != nil {
				return segment.Result{}, err
			}
		}
		return segment.Result{}, fmt.Errorf("trial %s: after epoch %d: %w", t.Name(), t.progress.Epoch, ErrInterrupted)
	}
	switch {
	case own != nil:
	case errors.Is(err, ErrInfeasible):
		t.stopped, t.reason, err = search.Infeasible, err.Error(), nil
	case errors.Is(err, ErrDiverged), errors.Is(err, engine.ErrDiverged):
		t.stopped, t.reason, err = search.Diverged, err.Error(), nil
	case err != nil && ctx.Err() != nil: // the objective passed the cancellation on
		t.stopped, t.reason, err = search.Stopped, context.Cause(ctx).Error(), nil
	case err == nil && t.progress.Best.Budget == 0 && t.stopped == "":
		err = fmt.Errorf("trial %s: the objective returned without a report", t.Name())
	}
	if err == nil {
		var out segment.Result
		if out, err = r.finish(ctx, t); !errors.As(err, &own) {
			return out, err
		}
	}
	return r.failed(ctx, t, err)
}

// failed is the result of a trial that failed by its own fault.
func (r *Runner) failed(ctx context.Context, t *Trial, why error) (segment.Result, error) {
	if err := r.keepSpent(ctx, t); err != nil { // the failure itself matters more
		r.Log.Warn().Err(err).Msg("the energy of a failed attempt could not be kept")
	}
	return segment.Result{
		State: search.Failed, Reason: Reason(why.Error()), Budget: t.task.From,
		Energy: t.progress.Energy, Seconds: t.progress.Seconds, Worker: r.Name, Version: t.version, Kernels: t.kernels, Notes: t.notes,
	}, &ObjectiveError{why}
}

// finish turns a trial at its segment's end into a result and writes the
// checkpoint that the next segment, or the test, begins with.
func (r *Runner) finish(ctx context.Context, t *Trial) (segment.Result, error) {
	p := &t.progress
	out := segment.Result{State: t.stopped, Reason: Reason(t.reason), Budget: p.Epoch, Curve: p.Curve, Energy: p.Energy, Seconds: p.Seconds, Worker: r.Name,
		Version: t.version, Kernels: t.kernels, Notes: t.notes}
	switch {
	case out.State != "":
	case t.task.Total > 0 && p.Epoch >= t.task.Total:
		out.State, out.Reason = search.Completed, fmt.Sprintf("trained to the full budget of %d", t.task.Total)
	default:
		out.State = search.Paused
	}
	if p.Best.Budget > 0 {
		out.Final = search.Measurement{Budget: p.Epoch, Metrics: maps.Clone(p.Best.Metrics)}
		out.Final.Metrics[EnergyWh] = (p.Before + p.Energy.Joules) / 3600
	}
	// The result travels in the checkpoint, so that it is there if the report of
	// it is lost. Without a keeper the checkpoint holds the progress alone.
	done := out
	next := *t
	next.notes = nil // of this segment
	next.progress = progress{
		From: p.Epoch, Epoch: p.Epoch, Best: p.Best, Early: p.Early,
		Before: p.Before + p.Energy.Joules, Done: &done, Since: t.task.From, Inherited: p.Inherited, Bank: p.Bank,
	}
	key := endKey(t.task, t.task.To)
	if out.State == search.Diverged || out.State == search.Infeasible {
		next.keeper, next.restored = nil, nil // no weights to go on with
	} else {
		done.Checkpoint, out.Checkpoint = key, key
	}
	ctx = context.WithoutCancel(ctx) // a stopped trial keeps what it has learnt
	if err := r.save(ctx, &next, key); err != nil {
		return out, err
	}
	return out, r.Blobs.DeleteAll(ctx, TrialKey(t.task.Study, t.ID), key)
}

func (r *Runner) save(ctx context.Context, t *Trial, key string) error {
	c := checkpoint{Progress: t.progress}
	if t.keeper == nil && t.restored != nil && t.progress.Epoch == t.restored.Progress.Epoch { // what was kept before stays
		c.data = t.restored.data
	}
	c.Progress.Version, c.Progress.Kernels, c.Progress.Notes = t.version, t.kernels, t.notes
	if t.task.Inherit {
		c.Progress.Params = t.Params
	}
	var own error // of the keeper, not of the way to the blobs
	err := r.Blobs.Put(ctx, key, func(w io.Writer) (err error) {
		to := &checked{to: w}
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("the keeper panicked: %v", v)
			}
			if err != nil && to.err == nil {
				own = &ObjectiveError{err}
			}
		}()
		return c.write(to, t.keeper)
	})
	if err != nil {
		if own != nil {
			err = own
		}
		return fmt.Errorf("trial %s: epoch %d: save checkpoint: %w", t.Name(), t.progress.Epoch, err)
	}
	return nil
}

// checked remembers whether what was written to it arrived.
type checked struct {
	to  io.Writer
	err error
}

func (c *checked) Write(p []byte) (n int, err error) {
	n, err = c.to.Write(p)
	c.err = errors.Join(c.err, err)
	return n, err
}

// keepSpent writes into the checkpoint that the next attempt begins with what
// this one has spent, so that it counts, too.
func (r *Runner) keepSpent(ctx context.Context, t *Trial) error {
	ctx = context.WithoutCancel(ctx)
	c, err := r.restore(ctx, t.task)
	if err != nil {
		return err
	}
	if c == nil {
		c = &checkpoint{Progress: progress{From: t.task.From, Epoch: t.task.From, Before: t.progress.Before, Blank: true}}
	}
	defer c.close()
	c.Progress.Energy, c.Progress.Seconds = t.progress.Energy, t.progress.Seconds
	return r.Blobs.Put(ctx, partKey(t.task), func(w io.Writer) error { return c.write(w, nil) })
}

// restore finds where a segment goes on: at its end, if only the report of it
// was lost; in its middle, if it was interrupted; or where the last one ended.
// It returns nil for a trial never trained.
func (r *Runner) restore(ctx context.Context, task Task) (*checkpoint, error) {
	var cut *checkpoint // of the end that interrupted it; if a part was trained since, that counts
	for _, key := range []string{endKey(task, task.To), partKey(task), endKey(task, task.From)} {
		f, err := r.Blobs.Get(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("trial %s: checkpoint %s: %w", task.Trial.Name(), key, err)
		}
		c, damaged, err := openCheckpoint(f)
		if err != nil && !damaged {
			return nil, fmt.Errorf("trial %s: read checkpoint %s: %w", task.Trial.Name(), key, err)
		}
		if err != nil {
			r.Log.Warn().Err(err).Str("checkpoint", key).Msg("damaged checkpoint left aside")
			continue
		}
		switch p := &c.Progress; {
		case key == endKey(task, task.To) && p.Done != nil && p.Since == task.From:
			if task.Tried > 0 && p.Done.State == search.Stopped {
				p.reopen()
				cut = c
				continue
			}
			return c, nil
		case cut != nil && p.Epoch < cut.Progress.Epoch:
			c.close()
			return cut, nil
		case p.From == task.From && p.Epoch <= task.To:
			cut.close()
			p.Done = nil // of the segment before
			return c, nil
		}
		c.close()
	}
	return cut, nil
}

func (r *Runner) every() time.Duration {
	if r.Every == 0 {
		return time.Second
	}
	return r.Every
}

// call runs the objective; a panic in it is its failure, not ours.
func call(ctx context.Context, t *Trial, objective Objective) (err error) {
	defer func() {
		if v := recover(); v != nil {
			stack := make([]byte, 16<<10)
			stack = stack[:runtime.Stack(stack, false)]
			err = fmt.Errorf("the objective panicked: %v\n%s", v, userFrames(string(stack)))
		}
	}()
	return objective(ctx, t)
}

// userFrames cuts a stack down to what the user wrote.
func userFrames(stack string) string {
	_, after, ok := strings.Cut(stack, "panic(")
	if !ok {
		return stack
	}
	if _, rest, ok := strings.Cut(after, "\n\t"); ok {
		_, after, _ = strings.Cut(rest, "\n")
	}
	before, _, _ := strings.Cut(after, "budwood/trials.call(")
	return strings.TrimSpace(before)
}

// The blobs of a trial: part is overwritten within a segment; e0009 ends the one
// up to epoch 9, whether or not it was trained so far. The last one alone is
// kept.
func partKey(t Task) string           { return TrialKey(t.Study, t.Trial.ID) + "/part" }
func endKey(t Task, epoch int) string { return EndKey(t.Study, t.Trial.ID, epoch) }

// EndKey is the checkpoint that ends the segment of a trial up to an epoch.
func EndKey(study string, trial, epoch int) string {
	return fmt.Sprintf("%s/e%04d", TrialKey(study, trial), epoch)
}

// KeepOutput keeps what a command printed in a trial's last segment.
func (r *Runner) KeepOutput(ctx context.Context, study string, trial int, b []byte) error {
	return r.Blobs.Put(context.WithoutCancel(ctx), OutputKey(study, trial), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// OutputKey is the blob of what a trial's command printed. [OutputsKey] is the
// prefix of a study's.
func OutputKey(study string, trial int) string {
	return OutputsKey(study) + "/" + search.TrialName(trial)
}

// OutputsKey is the prefix of what the commands of a study printed.
func OutputsKey(study string) string { return "output/" + study }

// TrialKey is the prefix of a trial's blobs, StudyKey that of a study's.
func TrialKey(study string, trial int) string {
	return StudyKey(study) + "/" + search.TrialName(trial)
}

// StudyKey is the prefix of a study's blobs.
func StudyKey(study string) string { return "studies/" + study }
