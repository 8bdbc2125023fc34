package scheduler

import "budwood/search"

// NoStopping trains every trial to the full budget at once.
type NoStopping struct {
	Max   int  `json:"max"`             // the full budget; 0 means 1
	First bool `json:"first,omitempty"` // the first trial runs alone: the others need what it has learned, and without it there are none
	Next  int  `json:"next"`            // state: number of the next trial
	Ready bool `json:"ready,omitempty"` // state: the first trial has learned something
}

var _ search.Scheduler = (*NoStopping)(nil)

// Brackets is the one rung there is.
func (n NoStopping) Brackets() []Bracket { return []Bracket{{[]int{max(n.Max, 1)}, 1}} }

// Step starts trials for as long as there are slots.
func (n *NoStopping) Step(e search.Event) []search.Action {
	switch e := e.(type) {
	case search.Free:
		var out []search.Action
		starts := min(e.Slots, e.New)
		if n.First && !n.Ready {
			starts = min(starts, 1-n.Next)
		}
		for range starts {
			out = append(out, search.Start{Trial: n.Next, Budget: max(n.Max, 1)})
			n.Next++
		}
		return out
	case search.Ended:
		n.learned(e.Trial, e.Values)
	case search.Reported:
		n.learned(e.Trial, e.Values)
		if !usable(e.Values) {
			return []search.Action{unusable(e.Trial, e.Budget)}
		}
		return []search.Action{trained(e.Trial, e.Budget)}
	}
	return nil
}

func (n *NoStopping) learned(trial int, values []float64) {
	n.Ready = n.Ready || n.First && trial == 0 && usable(values)
}
