package trials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"budwood/engine/crew"
	"budwood/search"
	"budwood/trials/segment"
)

// TrainFunc trains one candidate. It reports after every epoch and returns nil
// when [Trial.Epochs] ends, whatever the reason: being stopped is not an error.
// A returned error is a failure of the user's code, retried as often as the
// study says, unless it wraps [ErrInfeasible] or [ErrDiverged], which are
// results, or a [*MachineError].
type TrainFunc func(ctx context.Context, t *Trial) error

// Errors that a training function may return (wrapped) to say that its end is a
// result.
var (
	ErrInfeasible = errors.New("infeasible") // the candidate cannot be built
	ErrDiverged   = errors.New("diverged")   // NaN or inf
)

// ErrInterrupted is the cause of a cancelled context if the worker shuts down. It
// does not end the trial: another worker continues the segment from its checkpoint.
var ErrInterrupted = errors.New("the worker is shutting down")

// ObjectiveError is a failure of the user's code, as opposed to machine trouble.
type ObjectiveError struct{ Err error }

// Error is the message, in one line.
func (e *ObjectiveError) Error() string { return e.Err.Error() }

// Unwrap is what went wrong there.
func (e *ObjectiveError) Unwrap() error { return e.Err }

// MachineError is trouble of the machine or the network: the segment is trained again
// from its last checkpoint, and the failure does not count.
type MachineError struct{ Err error }

// Error is the message, in one line.
func (e *MachineError) Error() string { return e.Err.Error() }

// Unwrap is what went wrong there.
func (e *MachineError) Unwrap() error { return e.Err }

// Keeper is what a trial can save and load: a network, a trainer, a model of
// the user's own.
type Keeper interface {
	Save(io.Writer) error
	Load(io.Reader) error
}

// Trial is a running trial, in the hands of its training function. Its methods
// belong to the goroutine of that function.
type Trial struct {
	search.Trial
	ctx      context.Context
	task     Task
	runner   *Runner
	keeper   Keeper
	restored *Checkpoint // what Keep has loaded or will load; nil: start from nothing
	progress progress
	stopped  search.State // why Epochs ends; "" as long as it has not ended
	reason   string
	onEpoch  func(*Trial) error // checkpoints and heartbeats, between epochs
	err      error              // a mistake in a report
	machine  error              // trouble with a checkpoint
	newest   bool               // the value of the last epoch counts, not that of the best
	outside  *meters            // energy of a command's processes
	version  segment.Version    // version of what trains it
	kernels  string             // instruction set that the engine uses
	notes    []string           // further remarks on this segment
	mesh     chosenMesh         // by the program; zero: it has chosen none
	beside   *atomic.Int64      // processor time of lanes on other threads, in nanoseconds
	team     *crew.Team         // idle cores; nil: there are none
	before   progress           // what was resumed; Epoch 0: nothing
	gang     *gangSide          // nil: it is not trained by several ranks
}

// meterOutside counts the energy of other processes as the trial's; clock returns
// their CPU time.
func (t *Trial) meterOutside(clock func() time.Duration) {
	t.outside.add(t.runner.Meter.StartOutside(clock))
}

// Value is the value of a parameter, so that a key reads it: lr.In(t).
func (t *Trial) Value(name string) any { return t.Params[name] }

// Rand is the trial's own source of randomness: the same for the same study
// seed and trial number.
func (t *Trial) Rand() *rand.Rand { return search.Rand(t.task.Seed, t.ID) }

// Seed is a number drawn from Rand, for code that needs a seed of its own.
func (t *Trial) Seed() uint64 { return t.Rand().Uint64() }

// Total is the budget, in epochs, that the trial gets if nothing stops it. A
// learning-rate schedule should end there.
func (t *Trial) Total() int { return max(t.task.Total, t.task.To) }

// Keep says what to save. If the trial was trained before (it was promoted, or
// the machine died), k is loaded with what was saved and Epochs continues from
// there. Without Keep such a trial trains again from its first epoch. Call it
// once, before Epochs.
func (t *Trial) Keep(k Keeper) error {
	t.keeper = k
	if t.restored == nil {
		return nil
	}
	err := k.Load(t.restored.Model())
	t.restored.Close()
	if trouble := t.restored.Trouble(); trouble != nil {
		t.machine = fmt.Errorf("trial %s: read its checkpoint of epoch %d: %w", t.Name(), t.restored.progress.Epoch, trouble)
		return t.machine
	}
	if err != nil {
		return fmt.Errorf("trial %s: load its checkpoint of epoch %d: %w", t.Name(), t.restored.progress.Epoch, err)
	}
	t.progress = t.restored.progress
	return nil
}

// Epochs counts the epochs to train, from 1; it ends by itself when the trial
// is paused at its rung, stopped, or does not improve any more.
func (t *Trial) Epochs() iter.Seq[int] {
	return func(yield func(int) bool) {
		for t.progress.Epoch < t.task.To && t.stopped == "" && t.err == nil && t.machine == nil {
			if !t.goesOn() {
				return
			}
			epoch := t.progress.Epoch + 1
			if !yield(epoch) {
				return
			}
			if t.stopped != "" {
				return
			}
			if t.progress.Epoch < epoch { // nothing was reported: the epoch counts all the same
				t.progress.Epoch = epoch
			}
			if t.onEpoch != nil {
				t.machine = t.onEpoch(t)
			}
		}
	}
}

// Report reports the objective's value after an epoch. See [Trial.ReportAll].
func (t *Trial) Report(value float64) {
	t.ReportAll(search.Metrics{t.task.Objectives[0].Metric: value})
}

// ReportAll reports named metrics after an epoch; the study's objective must be
// among them. A NaN or inf objective ends the trial as diverged.
func (t *Trial) ReportAll(m search.Metrics) {
	epoch := t.progress.Epoch + 1
	main := t.task.Objectives[0]
	if err := checkMetrics(m); err != nil {
		t.err = fmt.Errorf("trial %s: epoch %d: %w", t.Name(), epoch, err)
		return
	}
	v, ok := m[main.Metric]
	if !ok {
		t.err = fmt.Errorf("trial %s: epoch %d: the objective %q is not among the reported metrics %v", t.Name(), epoch, main.Metric, names(m))
		return
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		t.stopped, t.reason = search.Diverged, fmt.Sprintf("epoch %d: %s is %v", epoch, main.Metric, v)
		return
	}
	p := &t.progress
	p.Epoch = epoch
	seen := search.Measurement{Budget: epoch, Metrics: maps.Clone(m)}
	if epoch > t.task.From {
		p.Curve = append(p.Curve, seen)
	}
	if t.newest || p.Best.Budget == 0 || main.Goal.Better(v, p.Best.Metrics[main.Metric]) {
		p.Best = seen
	}
	if _, stop := p.Early.Observe(v); stop {
		t.stopped = search.Completed
		t.reason = fmt.Sprintf("epoch %d: no improvement over %s for %d epochs", epoch, search.FormatNumber(p.Best.Metrics[main.Metric]), p.Early.Patience)
	}
}

// reportLate takes the metrics of an epoch that was passed over before a later one
// was reported; what is known already stays.
func (t *Trial) reportLate(epoch int, m search.Metrics) {
	main, p := t.task.Objectives[0], &t.progress
	v, ok := m[main.Metric]
	at, known := slices.BinarySearchFunc(p.Curve, epoch, func(m search.Measurement, e int) int { return m.Budget - e })
	if !ok || known || epoch <= t.task.From || checkMetrics(m) != nil {
		return
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		t.stopped, t.reason = search.Diverged, fmt.Sprintf("epoch %d: %s is %v", epoch, main.Metric, v)
		return
	}
	seen := search.Measurement{Budget: epoch, Metrics: maps.Clone(m)}
	p.Curve = slices.Insert(p.Curve, at, seen)
	if main.Goal.Better(v, p.Best.Metrics[main.Metric]) {
		p.Best = seen
	}
}

// What one report may hold: all that it says travels with the trial's result.
const (
	maxMetrics    = 1000
	maxMetricName = 200 // bytes
)

func checkMetrics(m search.Metrics) error {
	if len(m) > maxMetrics {
		return fmt.Errorf("%d metrics are reported; the most is %d", len(m), maxMetrics)
	}
	bad := ""
	for name := range m {
		if (len(name) > maxMetricName || !utf8.ValidString(name)) && (bad == "" || name < bad) {
			bad = name
		}
	}
	if bad != "" {
		return fmt.Errorf("%q is not the name of a metric: that is UTF-8 and at most %d bytes", clipped(bad, maxMetricName), maxMetricName)
	}
	return nil
}

// Improved reports whether the last report is the best so far: the moment to keep
// a copy of the weights.
func (t *Trial) Improved() bool { return t.progress.Best.Budget == t.progress.Epoch }

func names(m search.Metrics) []string {
	p := search.Params{}
	for k := range m {
		p[k] = nil
	}
	return p.Names()
}
