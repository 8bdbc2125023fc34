package search

import (
	"encoding/json"
	"fmt"
	"math"
)

// State is where a trial stands.
type State string

// The states of a trial.
const (
	Running    State = "running"
	Paused     State = "paused"     // at a rung, waiting to be promoted or stopped
	Completed  State = "completed"  // trained as long as it was meant to, or until it no longer improved
	Stopped    State = "stopped"    // by the scheduler or by its user; a result
	Infeasible State = "infeasible" // the candidate cannot be built; a result, never retried
	Diverged   State = "diverged"   // NaN or inf; a result
	Failed     State = "failed"     // the user's code returned an error, retries included
)

// Ended reports whether the state is final.
func (s State) Ended() bool { return s != Running && s != Paused && s != "" }

// Usable reports whether a trial in this state says something about its candidate by
// what was measured: it was not infeasible, did not diverge and did not fail.
func (s State) Usable() bool { return s != Infeasible && s != Diverged && s != Failed }

// Goal says which way a metric is better.
type Goal string

// The goals. The zero value means Minimize.
const (
	Minimize Goal = "minimize"
	Maximize Goal = "maximize"
)

// Loss turns a value of the metric into a loss: less is better.
func (g Goal) Loss(value float64) float64 {
	if g == Maximize {
		return -value
	}
	return value
}

// Better reports whether a is better than b. A NaN is better than nothing.
func (g Goal) Better(a, b float64) bool {
	return !math.IsNaN(a) && (math.IsNaN(b) || g.Loss(a) < g.Loss(b))
}

// Objective is a metric and the way it is better.
type Objective struct {
	Metric string `json:"metric"`
	Goal   Goal   `json:"goal"`
}

// Measurement is what was measured once a trial had spent a budget.
type Measurement struct {
	Budget  int     `json:"budget"` // spent so far by the trial, in the study's fidelity (epochs)
	Metrics Metrics `json:"metrics"`
}

// Metrics are named numbers. A metric that is not finite is kept out of JSON.
type Metrics map[string]float64

// MarshalJSON leaves out what JSON cannot say: NaN and inf.
func (m Metrics) MarshalJSON() ([]byte, error) {
	out := make(map[string]float64, len(m))
	for k, v := range m {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out[k] = v
		}
	}
	return json.Marshal(out)
}

// Trial is a candidate with a number.
type Trial struct {
	ID     int    `json:"id"` // 0, 1, 2, … in a study; never reused
	Params Params `json:"params"`
	Source string `json:"source,omitempty"` // who proposed it: "tpe", "auto: gp: 41 results over 5 parameters", "start_with", "warm start: <study> t0012"
}

// Name is the trial's name in lists: t0031.
func (t Trial) Name() string { return TrialName(t.ID) }

// TrialName is the name of trial number id: t0031.
func TrialName(id int) string { return fmt.Sprintf("t%04d", id) }

// Record is a trial and everything that came of it so far.
type Record struct {
	Trial
	State        State         `json:"state"`
	Reason       string        `json:"reason,omitempty"`       // in words: why it was stopped or failed
	Measurements []Measurement `json:"measurements,omitempty"` // at the end of each segment, by budget
	Joules       float64       `json:"joules,omitempty"`
	Seconds      float64       `json:"seconds,omitempty"` // training time

	Version string   `json:"version,omitempty"`   // of the program or objective that trained it last; "": not known
	Kernels string   `json:"kernels,omitempty"`   // instruction set of the engine that trained it last; "": not known
	Notes   []string `json:"notes,omitempty"`     // what else is to know of its training: that it went on under another version
	Aside   string   `json:"set_aside,omitempty"` // why it does not count; "": it does
}

// Last is the measurement at the largest budget; ok is false if there is none.
func (r *Record) Last() (m Measurement, ok bool) {
	if len(r.Measurements) == 0 {
		return m, false
	}
	return r.Measurements[len(r.Measurements)-1], true
}

// SharedEpochs is the metric of a trial that was not trained but validated with
// weights that it shares with others: the epochs of their training.
const SharedEpochs = "shared"

// Epochs is the budget that the trial was trained for: that of its last
// measurement, 0 if it was validated with shared weights.
func (r *Record) Epochs() int {
	m, _ := r.Last()
	if _, shared := m.Metrics[SharedEpochs]; shared {
		return 0
	}
	return m.Budget
}

// Loss is the trial's last measurement of an objective as a loss (less is
// better); ok is false if the trial has none, if it is not finite, or if the
// trial is set aside.
func (r *Record) Loss(o Objective) (loss float64, ok bool) {
	m, ok := r.Last()
	if !ok || r.Aside != "" {
		return 0, false
	}
	v, ok := m.Metrics[o.Metric]
	if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return o.Goal.Loss(v), true
}
