package scheduler

import (
	"math"

	"budwood/search"
)

// Hyperband hedges between cheap and thorough comparisons (Li et al. 2018) as a
// tournament of [ASHA] brackets (Li et al. 2020, Section 3.3): bracket 0 begins
// at the least budget, and each further one a rung higher. Trials are dealt to
// the brackets so that each spends about the same budget.
type Hyperband struct {
	Min      int           `json:"min"` // r, the least budget of a rung; 0 means 1
	Max      int           `json:"max"` // R, the full budget; 0 means Min
	Eta      int           `json:"eta"` // η; below 2 means 3
	Goal     search.Goal   `json:"goal"`
	Also     []search.Goal `json:"also,omitempty"`     // of further objectives, as in ASHA
	Stopping bool          `json:"stopping,omitempty"` // as in ASHA

	Next       int    `json:"next"`                 // state: number of the next trial
	Tournament []ASHA `json:"tournament,omitempty"` // state: a bracket each
}

var _ search.Scheduler = (*Hyperband)(nil)

// Brackets are the ladders, the longest one first. The share of a bracket with
// s rungs above its first is in proportion to η^s/(s+1), as the number of
// trials in Hyperband's Algorithm 1.
func (h Hyperband) Brackets() []Bracket {
	eta := orDefault(h.Eta, 2, 3)
	rungs := budgets(h.Min, h.Max, eta)
	out := make([]Bracket, len(rungs))
	sum := 0.0
	for i := range rungs {
		s := len(rungs) - 1 - i
		out[i] = Bracket{rungs[i:], math.Pow(float64(eta), float64(s)) / float64(s+1)}
		sum += out[i].Share
	}
	for i := range out {
		out[i].Share /= sum
	}
	return out
}

// Step promotes in the bracket where that is possible, else starts a new trial
// in the bracket whose turn it is.
func (h *Hyperband) Step(e search.Event) []search.Action {
	brackets := h.Brackets()
	if h.Tournament == nil {
		for _, b := range brackets {
			a := ASHA{Min: b.Rungs[0], Max: h.Max, Eta: h.Eta, Goal: h.Goal, Also: h.Also, Stopping: h.Stopping, Rungs: newRungs(b.Rungs)}
			h.Tournament = append(h.Tournament, a)
		}
	}
	var out []search.Action
	switch e := e.(type) {
	case search.Free:
		for i := range h.Tournament {
			out = append(out, h.Tournament[i].promote(e.Slots-len(out))...)
		}
		for range min(e.Slots-len(out), e.New) {
			b := deal(brackets, h.Next)
			out = append(out, search.Start{Trial: h.Next, Budget: brackets[b].Rungs[0], Bracket: b})
			h.Next++
		}
	case search.Reported:
		out = h.Tournament[deal(brackets, e.Trial)].Step(e)
	case search.Ended:
		out = h.Tournament[deal(brackets, e.Trial)].Step(e)
	case search.Settle:
		ladders := make([][]Rung, len(h.Tournament))
		for i := range h.Tournament {
			ladders[i] = h.Tournament[i].Rungs
		}
		out = settle(e, h.Goal, ladders...)
	case search.Aside:
		for i := range h.Tournament {
			h.Tournament[i].Step(e)
		}
	case search.Closed:
		for i := range h.Tournament {
			out = append(out, h.Tournament[i].Step(e)...)
		}
	}
	return out
}

// deal gives a trial to a bracket. The multiples of the golden section are
// spread so evenly over [0,1) that after any number of trials each bracket has
// had its share.
func deal(brackets []Bracket, trial int) int {
	_, u := math.Modf(float64(trial) * .6180339887498949)
	for i, b := range brackets {
		if u -= b.Share; u < 0 {
			return i
		}
	}
	return len(brackets) - 1
}
