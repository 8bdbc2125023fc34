// Package energy is the ledger of the energy that trials use: an [Attributor] reads
// the processor's counters, or estimates from CPU time, and shares the energy out
// among the trials that run in a process.
package energy

import (
	"math"

	"budwood/search"
)

// How an energy is known. An estimate is never called measured.
const (
	RAPL      = "rapl"      // read from the processor's counters, shared out by CPU time
	Estimated = "estimated" // CPU time times the watts of a core
)

// Energy is what a segment or a trial has used, in joules. The zero value is
// none.
type Energy struct {
	Joules float64 `json:"joules"`
	Method string  `json:"method,omitempty"` // [RAPL] or [Estimated]; "": not known
	Low    float64 `json:"low,omitempty"`    // Joules lies between Low and High
	High   float64 `json:"high,omitempty"`
	Idle   float64 `json:"idle,omitempty"` // the part that the machine would have used doing nothing; 0 if it is not known
}

// Add is the sum of two energies. If they are not known in the same way, the
// sum is an estimate.
func (e Energy) Add(f Energy) Energy {
	switch {
	case e.Method == "":
		e.Method = f.Method
	case f.Method != "" && e.Method != f.Method:
		e.Method = Estimated
	}
	e.Joules += f.Joules
	e.Low += f.Low
	e.High += f.High
	e.Idle += f.Idle
	return e
}

// Wh is the energy in watt-hours.
func (e Energy) Wh() float64 { return e.Joules / 3600 }

// Saved is the most that stopping early can have saved, in joules, had every
// trial been trained to the full budget otherwise: for each trial that was
// stopped, or completed before full because it no longer improved, its joules per
// epoch times the epochs it was not trained. It is an upper bound: without early
// stopping one would have tried fewer trials, and epochs that were paid for
// together with a network's set-up are counted at the full price.
func Saved(records []search.Record, full int) (joules float64) {
	for _, r := range records {
		if r.State != search.Stopped && r.State != search.Completed {
			continue
		}
		if last, ok := r.Last(); ok && last.Budget > 0 && last.Budget < full && !math.IsNaN(r.Joules) {
			joules += r.Joules / float64(last.Budget) * float64(full-last.Budget)
		}
	}
	return joules
}
