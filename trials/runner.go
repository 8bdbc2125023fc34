package trials

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"budwood/engine"
	"budwood/engine/crew"
	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// Runner trains segments. One Runner serves all trials of a process.
type Runner struct {
	Blobs blob.Store
	Meter *energy.Attributor // nil: an attributor of this process
	Every time.Duration      // between checkpoints within a segment; 0 means 1 s
	Name  string             // of this worker, for the record
	Log   zerolog.Logger

	Machine *engine.Machine // for meshes that are chosen here; nil: the built-in one
	Cores   *crew.Pool      // of this process, which trials borrow while they are idle; nil: none

	Version segment.Version // version of the training function, if it is a Go function of this process

	shared sharedCache // what was asked for last

	reaper reaper  // of what commands leave behind if this process is killed
	Losses *Losses // of workers, to know the trials that end them; nil: nobody looks

	turns turns
}

// WorkerName is the name of this process as a worker: host/process id.
func WorkerName() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// Run trains one segment. It returns a result for every end that is one
// (paused, completed, stopped, diverged, infeasible), an [*ObjectiveError] with
// what was spent if the training function failed, and any other error if a
// checkpoint could not be read or written. A segment that was trained to its end
// before is not trained again: Run returns the result that was kept. When ctx is
// cancelled the trial is stopped, with the cause as its reason; but with the cause
// [ErrInterrupted] it is left as it is, to go on elsewhere: the result has what was
// spent. alive, if not nil,
// is told every epoch and its metrics.
func (r *Runner) Run(ctx context.Context, task Task, train TrainFunc, alive func(search.Measurement)) (segment.Result, error) {
	return r.run(ctx, task, train, alive, nil)
}

// run is [Runner.Run], as a rank of a gang if g is not nil.
func (r *Runner) run(ctx context.Context, task Task, train TrainFunc, alive func(search.Measurement), g *gangSide) (segment.Result, error) {
	restored, err := r.restore(ctx, task)
	if err != nil {
		return segment.Result{}, err
	}
	defer restored.Close()
	if restored != nil && restored.progress.Done != nil { // trained before, but the report was lost
		if g.above() { // it has spent nothing now
			return segment.Result{}, nil
		}
		return *restored.progress.Done, nil
	}
	t := r.trial(ctx, task, restored)
	t.gang = g
	if g.above() { // what was spent before is on the account of rank 0
		t.progress.Energy, t.progress.Seconds = energy.Energy{}, 0
	}
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
	alone = alone && !task.Mesh.Ranks.Several() // the other ranks, which may be here, wait for it
	defer r.turns.take(ctx, alone)()
	noteEpoch, noteEnd := r.Losses.train(task)
	defer noteEnd()
	if restored != nil {
		noteEpoch(restored.progress.Epoch)
	}
	err = r.train(ctx, t, train, func(t *Trial) {
		noteEpoch(t.progress.Epoch)
		if alive != nil {
			alive(t.last())
		}
	})
	return r.end(ctx, t, err)
}

// trial is the trial of a task, which goes on from what was restored, if anything.
func (r *Runner) trial(ctx context.Context, task Task, restored *Checkpoint) *Trial {
	t := &Trial{Trial: task.Trial, ctx: ctx, task: task, runner: r, outside: &meters{}}
	t.progress.Early = engine.EarlyStop{
		Patience: task.Patience, MinDelta: task.MinDelta,
		Maximize: task.Objectives[0].Goal == search.Maximize,
	}
	if restored != nil {
		if !restored.progress.Blank {
			t.restored = restored
		}
		// What was spent counts even if the training function keeps nothing and starts over.
		t.progress.Energy, t.progress.Seconds, t.progress.Before = restored.progress.Energy, restored.progress.Seconds, restored.progress.Before
	}
	t.resumed(restored)
	t.TrainedBy(r.Version)
	return t
}

// train runs the training function, meters it, and saves checkpoints on the way.
// heard is called after each epoch.
func (r *Runner) train(ctx context.Context, t *Trial, train TrainFunc, heard func(*Trial)) error {
	runtime.LockOSThread() // energy is attributed by the thread's CPU time
	defer runtime.UnlockOSThread()
	a := &account{meter: r.Meter.Start(), spent: t.progress.Energy, seconds: t.progress.Seconds, began: time.Now()}
	beside := new(atomic.Int64)
	t.beside = beside
	a.meter.Also(func() time.Duration { return time.Duration(beside.Load()) })
	t.team = r.Cores.Team(t.metered)
	defer r.Cores.Enter(1)()
	saved := time.Now()
	t.onEpoch = func(t *Trial) error {
		heard(t)
		if t.keeper == nil || t.progress.Epoch >= t.task.To {
			return nil
		}
		if save, err := t.gang.agree(t, time.Since(saved) >= r.every()); !save || err != nil {
			return err
		}
		a.charge(t)
		saved = time.Now()
		return r.save(ctx, t, partKey(t.task))
	}
	err := call(ctx, t, train)
	a.charge(t)
	a.meter.Stop()
	t.noteHelp(time.Since(a.began))
	t.outside.stop()
	return err
}

// account is what a segment has taken.
type account struct {
	meter   *energy.Meter
	spent   energy.Energy // by earlier attempts
	seconds float64       // of them
	began   time.Time
}

// charge writes to a trial what its segment has taken so far.
func (a *account) charge(t *Trial) {
	t.progress.Energy = a.spent.Add(a.meter.Read()).Add(t.outside.read())
	t.progress.Seconds = a.seconds + time.Since(a.began).Seconds()
}

// last is the epoch that was trained last, with its metrics if it was reported.
func (t *Trial) last() search.Measurement {
	m := search.Measurement{Budget: t.progress.Epoch}
	if n := len(t.progress.Curve); n > 0 && t.progress.Curve[n-1].Budget == m.Budget {
		m.Metrics = maps.Clone(t.progress.Curve[n-1].Metrics)
	}
	return m
}

func (r *Runner) every() time.Duration {
	if r.Every == 0 {
		return time.Second
	}
	return r.Every
}
