package hpo

import "budwood/search"

// Full trains every trial to the full budget at once.
type Full struct {
	Max  int `json:"max"`  // the full budget; 0 means 1
	Next int `json:"next"` // state: number of the next trial
}

var _ search.Scheduler = (*Full)(nil)

// Brackets is the one rung there is.
func (f Full) Brackets() []Bracket { return []Bracket{{[]int{max(f.Max, 1)}, 1}} }

// Step starts trials for as long as there are slots.
func (f *Full) Step(e search.Event) []search.Action {
	switch e := e.(type) {
	case search.Free:
		var out []search.Action
		for range min(e.Slots, e.New) {
			out = append(out, search.Start{Trial: f.Next, Budget: max(f.Max, 1)})
			f.Next++
		}
		return out
	case search.Reported:
		if !usable(e.Values) {
			return []search.Action{unusable(e.Trial, e.Budget)}
		}
		return []search.Action{trained(e.Trial, e.Budget)}
	}
	return nil
}
