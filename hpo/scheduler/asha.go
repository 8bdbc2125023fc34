package scheduler

import (
	"fmt"

	"budwood/search"
)

// ASHA is asynchronous successive halving (Li et al. 2020). Trials are compared
// at rungs; the best 1/η of a rung go on to the next one, of η times the
// budget. It never waits for stragglers.
//
// By default a trial pauses at each rung until it is among the best 1/η
// (Algorithm 2). With Stopping it goes on at once if it is among the best 1/η of
// those that came before it, or one of the first η−1, and is stopped for good
// otherwise: no trial is paused for long, but some are promoted by luck.
//
// With goals of further objectives the best are those in the first non-dominated
// fronts, and of the front that does not fit as a whole those that cover it
// (multi-objective ASHA; Schmucker et al. 2021).
type ASHA struct {
	Min      int           `json:"min"` // r, the least budget of a rung; 0 means 1
	Max      int           `json:"max"` // R, the full budget; 0 means Min
	Eta      int           `json:"eta"` // η; below 2 means 3
	Goal     search.Goal   `json:"goal"`
	Also     []search.Goal `json:"also,omitempty"` // of further objectives
	Stopping bool          `json:"stopping,omitempty"`

	// Learn finds out whether the first rungs can be trusted. The first trials, and some
	// later ones as long as there is doubt, climb to the highest rung below the full budget
	// whatever their rank; where the ranks at a lower rung have little to do with those,
	// trials begin above it, and those that wait in it go on. Not with Stopping or Also.
	Learn bool `json:"learn,omitempty"`

	Next   int     `json:"next"`             // state: number of the next trial
	Rungs  []Rung  `json:"rungs,omitempty"`  // state
	Probes []Probe `json:"probes,omitempty"` // state: by trial
}

var _ search.Scheduler = (*ASHA)(nil)

// Brackets is the one ladder there is.
func (a ASHA) Brackets() []Bracket { return []Bracket{{budgets(a.Min, a.Max, a.eta()), 1}} }

// Step answers a free slot with the promotion in the highest rung, else with a
// new trial.
func (a *ASHA) Step(e search.Event) []search.Action {
	a.begin()
	switch e := e.(type) {
	case search.Free:
		out := a.promote(e.Slots)
		for range min(e.Slots-len(out), e.New) {
			out = append(out, a.begins(a.Next))
			a.Next++
		}
		return out
	case search.Reported:
		return a.report(e)
	case search.Ended:
		a.end(e)
	case search.Settle:
		return settle(e, a.Goal, a.Rungs)
	case search.Aside:
		setAside(a.Rungs, e.Trials, a.goals()...)
	case search.Closed:
		return stopWaiting(a.Rungs, a.why)
	}
	return nil
}

func (a *ASHA) eta() int { return orDefault(a.Eta, 2, 3) }

func (a *ASHA) goals() []search.Goal { return append([]search.Goal{a.Goal}, a.Also...) }

func (a *ASHA) begin() {
	if a.Rungs == nil {
		a.Rungs = newRungs(budgets(a.Min, a.Max, a.eta()))
	}
}

// promote resumes up to slots paused trials.
func (a *ASHA) promote(slots int) []search.Action {
	var out []search.Action
	for len(out) < slots {
		k, i := a.promotable()
		if k < 0 {
			break
		}
		p := &a.Rungs[k].Peers[i]
		why := a.uncut(k, i)
		if why == "" {
			why = a.Rungs[k].rank(i) + a.raised(k)
		}
		p.Risen = true
		next := &a.Rungs[k+1]
		if !p.Waiting { // it ended by itself, and would have come this far
			next.add(Peer{Trial: p.Trial, Values: p.Values, Done: p.Done}, a.Goal, a.Also...)
			continue
		}
		p.Waiting = false
		out = append(out, search.Resume{Trial: p.Trial, Budget: next.Budget, Reason: why})
	}
	return out
}

// promotable finds the best peer that may go on, in the highest rung possible.
func (a *ASHA) promotable() (k, i int) {
	first := a.first()
	for k := len(a.Rungs) - 2; k >= 0; k-- {
		peers := a.Rungs[k].Peers
		if a.learns() && k < a.judge() {
			for i, p := range peers {
				if p.Waiting && !p.Risen && (k < first || a.probe(p.Trial) != nil) {
					return k, i
				}
			}
		}
		if !a.Stopping {
			peers = peers[:min(a.top(k), len(peers))]
		}
		for i, p := range peers {
			if !p.Risen && (p.Waiting || !a.Stopping) {
				return k, i
			}
		}
	}
	return -1, 0
}

// top is how many peers of a rung may go on.
func (a *ASHA) top(k int) int { return a.Rungs[k].size() / a.eta() }

func (a *ASHA) report(e search.Reported) []search.Action {
	k := level(a.Rungs, e.Budget)
	if !usable(e.Values) {
		a.Rungs[k].Diverged++
		return []search.Action{unusable(e.Trial, e.Budget)}
	}
	if p := a.probe(e.Trial); p != nil && len(p.Values) == k {
		p.Values = append(p.Values, e.Values[0])
	}
	last := k == len(a.Rungs)-1
	i := a.Rungs[k].add(Peer{Trial: e.Trial, Values: e.Values, Waiting: !last, Done: last}, a.Goal, a.Also...)
	if last {
		return []search.Action{trained(e.Trial, e.Budget)}
	}
	if a.Stopping && !a.passes(k, i) {
		a.Rungs[k].Peers[i].Waiting = false
		return []search.Action{search.Stop{Trial: e.Trial, Reason: a.Rungs[k].below(i, a.top(k), a.Goal)}}
	}
	return nil
}

// passes reports whether a peer that comes to a rung may go on at once.
func (a *ASHA) passes(k, i int) bool { return a.top(k) == 0 || i < a.top(k) }

// end books a trial that ended by itself: it stays a peer in its rung, and in
// those above that its value would have reached.
func (a *ASHA) end(e search.Ended) {
	k := levelOfEnd(a.Rungs, e)
	if e.State == search.Diverged {
		a.Rungs[k].Diverged++
	}
	if !usable(e.Values) {
		return
	}
	for ; ; k++ {
		i := a.Rungs[k].add(Peer{Trial: e.Trial, Values: e.Values, Done: e.State == search.Completed}, a.Goal, a.Also...)
		if !a.Stopping || k == len(a.Rungs)-1 || !a.passes(k, i) {
			return
		}
		a.Rungs[k].Peers[i].Risen = true
	}
}

// why says why a trial that waits will not go on.
func (a *ASHA) why(r *Rung, i int) string {
	top := a.top(level(a.Rungs, r.Budget))
	switch {
	case level(a.Rungs, r.Budget) < a.first():
	case !a.Stopping && top == 0:
		return fmt.Sprintf("%s, too few to promote one in %d", r.rank(i), a.eta())
	case !a.Stopping && i >= min(top, len(r.Peers)):
		return r.below(i, min(top, len(r.Peers)), a.Goal)
	}
	return r.rank(i) + ", but the study ended"
}
