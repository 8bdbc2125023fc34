package segment

import (
	"budwood/search"
	"budwood/trials/energy"
)

// Report is the outcome of one attempt at one segment.
type Report struct {
	Study   string               `json:"study"`
	Trial   int                  `json:"trial"`
	From    int                  `json:"from"`
	To      int                  `json:"to"`      // where the segment was to end, also if the trial ended before: with Study and Trial it names the segment
	Attempt int                  `json:"attempt"` // a later one replaces an earlier one
	State   search.State         `json:"state"`
	Reason  string               `json:"reason,omitempty"`
	Curve   []search.Measurement `json:"curve,omitempty"` // every epoch of the segment
	Final   search.Measurement   `json:"final"`           // what samplers see of it; zero: nothing was measured
	Energy  energy.Energy        `json:"energy"`          // of the segment
	Seconds float64              `json:"seconds"`         // of training, of the segment
	Worker  string               `json:"worker,omitempty"`
	Version Version              `json:"version,omitzero"` // of what trained it
	Kernels string               `json:"kernels,omitempty"`
	Notes   []string             `json:"notes,omitempty"`
}
