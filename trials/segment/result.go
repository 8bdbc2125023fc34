// Package segment has the facts about one segment of a trial, the training from one
// budget to the next: how it ended ([Result]), which attempt that was ([Report]), and
// what trained it ([Version]). The runner states them, the store keeps them, and
// workflows carry them from the one to the other.
package segment

import (
	"budwood/search"
	"budwood/trials/energy"
)

// Result is how a segment ended.
type Result struct {
	State      search.State         `json:"state"` // Paused: trained to its end
	Reason     string               `json:"reason,omitempty"`
	Budget     int                  `json:"budget"`          // epochs done since the trial's start
	Final      search.Measurement   `json:"final"`           // the best epoch's metrics, at this budget
	Curve      []search.Measurement `json:"curve,omitempty"` // of this segment's epochs
	Energy     energy.Energy        `json:"energy"`          // of this segment
	Beside     energy.Energy        `json:"beside,omitzero"` // the part of it that ranks above 0 of a gang on other workers took
	Seconds    float64              `json:"seconds"`         // of training, this segment
	Checkpoint string               `json:"checkpoint,omitempty"`
	Worker     string               `json:"worker,omitempty"`
	Version    Version              `json:"version,omitzero"`  // of what trained it
	Kernels    string               `json:"kernels,omitempty"` // instruction set of the engine; "": it was not used
	Notes      []string             `json:"notes,omitempty"`   // what else is to know of the segment
}

// Outcome is what the bookkeeping of a study hears of the result.
func (r *Result) Outcome(trial int, objectives []search.Objective) search.Outcome {
	return search.Outcome{Trial: trial, Budget: r.Budget, State: r.State, Values: r.values(objectives), Reason: r.Reason}
}

// values are the objectives at the segment's end, nil if any is missing.
func (r *Result) values(objectives []search.Objective) []float64 {
	var out []float64
	for _, o := range objectives {
		v, ok := r.Final.Metrics[o.Metric]
		if !ok {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// Cost is what the segment has taken. If the end of the study had interrupted the
// segment before, the result is that of the whole.
func (r *Result) Cost(seg search.Segment) search.Cost {
	return search.Cost{
		Epochs: max(r.Budget-seg.From, seg.Before.Epochs), Joules: max(r.Energy.Joules, seg.Before.Joules), Seconds: max(r.Seconds, seg.Before.Seconds),
	}
}
