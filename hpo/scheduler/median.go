package scheduler

import (
	"fmt"

	"budwood/search"
)

// MedianStopping stops a trial whose value at a rung is worse than the median
// of the trials that were there before it (Golovin et al. 2017, Section 3.2.2,
// with values at rungs in place of running averages).
type MedianStopping struct {
	Min   int         `json:"min"`   // the least budget of a rung; 0 means 1
	Max   int         `json:"max"`   // the full budget; 0 means Min
	Eta   int         `json:"eta"`   // each rung has Eta times the budget of the one before; below 2 means 2
	Peers int         `json:"peers"` // how many must have been at the rung before; 0 means 5
	Goal  search.Goal `json:"goal"`

	Next  int    `json:"next"`            // state: number of the next trial
	Rungs []Rung `json:"rungs,omitempty"` // state
}

var _ search.Scheduler = (*MedianStopping)(nil)

// Brackets is the one ladder there is.
func (m MedianStopping) Brackets() []Bracket {
	return []Bracket{{budgets(m.Min, m.Max, orDefault(m.Eta, 2, 2)), 1}}
}

// Step answers a free slot with a trial that may go on, else with a new one.
func (m *MedianStopping) Step(e search.Event) []search.Action {
	if m.Rungs == nil {
		m.Rungs = newRungs(m.Brackets()[0].Rungs)
	}
	switch e := e.(type) {
	case search.Free:
		return goOn(m.Rungs, e, &m.Next)
	case search.Reported:
		return m.report(e)
	case search.Ended:
		m.end(e)
	case search.Settle:
		return settle(e, m.Goal, m.Rungs)
	case search.Aside:
		setAside(m.Rungs, e.Trials, m.Goal)
	case search.Closed:
		return stopWaiting(m.Rungs, func(r *Rung, i int) string { return r.rank(i) + ", but the study ended" })
	}
	return nil
}

func (m *MedianStopping) report(e search.Reported) []search.Action {
	k := level(m.Rungs, e.Budget)
	r := &m.Rungs[k]
	if !usable(e.Values) {
		r.Diverged++
		return []search.Action{unusable(e.Trial, e.Budget)}
	}
	median, ok := m.median(r)
	last := k == len(m.Rungs)-1
	stop := !last && ok && m.Goal.Better(median, e.Values[0])
	n := r.size()
	r.add(Peer{Trial: e.Trial, Values: e.Values, Waiting: !last && !stop, Done: last}, m.Goal)
	switch {
	case last:
		return []search.Action{trained(e.Trial, e.Budget)}
	case stop:
		return []search.Action{search.Stop{Trial: e.Trial,
			Reason: fmt.Sprintf("rung %d: %s of %d peers", r.Budget, compare(e.Values[0], "median", median, m.Goal), n)}}
	}
	return nil
}

// median is that of a rung, of the two middle values the worse one; ok is false
// if too few have been there, or more than half of them diverged.
func (m *MedianStopping) median(r *Rung) (x float64, ok bool) {
	n := r.size()
	if n < orDefault(m.Peers, 1, 5) || n/2 >= len(r.Peers) {
		return 0, false
	}
	return r.Peers[n/2].Values[0], true
}

// end books a trial that ended by itself: it stays a peer in its rung, and in
// those above that its value would have reached.
func (m *MedianStopping) end(e search.Ended) {
	k := levelOfEnd(m.Rungs, e)
	if e.State == search.Diverged {
		m.Rungs[k].Diverged++
	}
	if !usable(e.Values) {
		return
	}
	for ; k < len(m.Rungs); k++ {
		median, ok := m.median(&m.Rungs[k])
		m.Rungs[k].add(Peer{Trial: e.Trial, Values: e.Values, Done: e.State == search.Completed}, m.Goal)
		if ok && m.Goal.Better(median, e.Values[0]) {
			return
		}
	}
}
