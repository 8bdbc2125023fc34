package hpo

import "budwood/search"

// Full trains every trial to the full budget at once.
type Full struct {
	Max   int  `json:"max"`             // the full budget; 0 means 1
	First bool `json:"first,omitempty"` // the first trial runs alone: the others need what it has learned, and without it there are none
	Next  int  `json:"next"`            // state: number of the next trial
	Ready bool `json:"ready,omitempty"` // state: the first trial has learned something
}

var _ search.Scheduler = (*Full)(nil)

// Brackets is the one rung there is.
func (f Full) Brackets() []Bracket { return []Bracket{{[]int{max(f.Max, 1)}, 1}} }

// Step starts trials for as long as there are slots.
func (f *Full) Step(e search.Event) []search.Action {
	switch e := e.(type) {
	case search.Free:
		var out []search.Action
		n := min(e.Slots, e.New)
		if f.First && !f.Ready {
			n = min(n, 1-f.Next)
		}
		for range n {
			out = append(out, search.Start{Trial: f.Next, Budget: max(f.Max, 1)})
			f.Next++
		}
		return out
	case search.Ended:
		f.learned(e.Trial, e.Values)
	case search.Reported:
		f.learned(e.Trial, e.Values)
		if !usable(e.Values) {
			return []search.Action{unusable(e.Trial, e.Budget)}
		}
		return []search.Action{trained(e.Trial, e.Budget)}
	}
	return nil
}

func (f *Full) learned(trial int, values []float64) {
	f.Ready = f.Ready || f.First && trial == 0 && usable(values)
}
