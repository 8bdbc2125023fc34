package trials

import (
	"budwood/engine"
	"budwood/search"
	"budwood/trials/segment"
)

// Task is one segment to train. It is plain data and travels to the worker.
type Task struct {
	Study      string             `json:"study"`
	Trial      search.Trial       `json:"trial"`
	Seed       uint64             `json:"seed"` // seed of the study
	From       int                `json:"from"` // epochs done before
	To         int                `json:"to"`
	Total      int                `json:"total"` // the study's epochs a trial
	Objectives []search.Objective `json:"objectives"`
	Patience   int                `json:"patience,omitempty"` // early stopping; 0: none
	MinDelta   float64            `json:"min_delta,omitempty"`
	Tried      int                `json:"tried,omitempty"`    // attempts at the segment before the end of the study interrupted it; it goes on from there, and later attempts are counted from this
	Inherit    bool               `json:"inherit,omitempty"`  // it may begin with its parent's weights, and others with its own
	Mesh       engine.Mesh        `json:"mesh,omitzero"`      // pieces and threads of a training step
	Kernels    string             `json:"kernels,omitempty"`  // instruction set of the engine that all ranks of its gang have; "": the best one
	Supernet   bool               `json:"supernet,omitempty"` // it trains the weights that the study's candidates share, or is evaluated with them: see [SupernetTrial]
}

// SupernetTrial is the trial that trains the weights which all candidates of a
// study share, if it has such; it is the first. The others are not trained: each
// is validated once with the shared weights, and reports the epochs of their
// training as [search.SharedEpochs].
const SupernetTrial = 0

// EnergyWh is the metric under which every trial carries its energy so far, in
// watt-hours, so that it can be an objective.
const EnergyWh = "energy_wh"

// Key names the segment.
func (t *Task) Key() segment.Key {
	return segment.Key{Study: t.Study, Trial: t.Trial.ID, From: t.From, To: t.To}
}

// Report is the result of an attempt at the task, counted from 1, as the store takes
// it.
func (t *Task) Report(r segment.Result, attempt int) segment.Report {
	return segment.Report{Key: t.Key(), Attempt: t.Tried + attempt, Result: r}
}
