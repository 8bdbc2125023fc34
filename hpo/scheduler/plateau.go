package scheduler

import (
	"fmt"

	"budwood/search"
)

// Plateau stops a trial that no longer improves: at each rung its value is
// compared with its own best so far, never with other trials. After Patience
// rungs in a row without an improvement of more than MinDelta it is stopped, and
// its result stands. Rungs are Every apart.
type Plateau struct {
	Min      int         `json:"min"`       // the first rung; 0 means Every
	Max      int         `json:"max"`       // the full budget; 0 means Min
	Every    int         `json:"every"`     // distance of the rungs; 0 means a ninth of Max, rounded up
	Patience int         `json:"patience"`  // rungs without an improvement; 0 means 2
	MinDelta float64     `json:"min_delta"` // what counts as an improvement must be larger
	Goal     search.Goal `json:"goal"`

	Next  int         `json:"next"`            // state: number of the next trial
	Rungs []Rung      `json:"rungs,omitempty"` // state
	Best  map[int]Top `json:"best,omitempty"`  // state: of each trial that goes on
}

// Top is the best that a trial has reached.
type Top struct {
	Value  float64 `json:"value"`
	Budget int     `json:"budget"`
	Missed int     `json:"missed,omitempty"` // rungs since then
}

var _ search.Scheduler = (*Plateau)(nil)

// Brackets is the one ladder there is.
func (p Plateau) Brackets() []Bracket {
	top := max(p.Min, p.Max, 1)
	every := orDefault(p.Every, 1, (top+8)/9)
	var rungs []int
	for b := orDefault(p.Min, 1, min(every, top)); b < top; b += every {
		rungs = append(rungs, b)
	}
	return []Bracket{{append(rungs, top), 1}}
}

// Step answers a free slot with a trial that may go on, else with a new one.
func (p *Plateau) Step(e search.Event) []search.Action {
	if p.Rungs == nil {
		p.Rungs = newRungs(p.Brackets()[0].Rungs)
	}
	switch e := e.(type) {
	case search.Free:
		return goOn(p.Rungs, e, &p.Next)
	case search.Reported:
		return p.report(e)
	case search.Ended:
		delete(p.Best, e.Trial)
		if e.State == search.Completed && usable(e.Values) {
			p.Rungs[level(p.Rungs, e.Budget)].add(Peer{Trial: e.Trial, Values: e.Values, Done: true}, p.Goal)
		}
	case search.Settle:
		return settle(e, p.Goal, p.Rungs)
	case search.Aside:
		setAside(p.Rungs, e.Trials, p.Goal)
	case search.Closed:
		return stopWaiting(p.Rungs, func(r *Rung, i int) string {
			return fmt.Sprintf("rung %d: %s still improved, but the study ended", r.Budget, number(r.Peers[i].Values[0]))
		})
	}
	return nil
}

func (p *Plateau) report(e search.Reported) []search.Action {
	k := level(p.Rungs, e.Budget)
	if !usable(e.Values) {
		delete(p.Best, e.Trial)
		return []search.Action{unusable(e.Trial, e.Budget)}
	}
	v := e.Values[0]
	best, ok := p.Best[e.Trial]
	if !ok || p.Goal.Loss(best.Value)-p.Goal.Loss(v) > p.MinDelta {
		best = Top{Value: v, Budget: e.Budget}
	} else {
		best.Missed++
	}
	last, stop := k == len(p.Rungs)-1, best.Missed >= orDefault(p.Patience, 1, 2)
	p.Rungs[k].add(Peer{Trial: e.Trial, Values: e.Values, Waiting: !last && !stop, Done: last || stop}, p.Goal)
	switch {
	case last:
		delete(p.Best, e.Trial)
		return []search.Action{trained(e.Trial, e.Budget)}
	case stop:
		delete(p.Best, e.Trial)
		return []search.Action{search.Stop{Trial: e.Trial, Reason: p.why(e, best)}}
	}
	if p.Best == nil {
		p.Best = map[int]Top{}
	}
	p.Best[e.Trial] = best
	return nil
}

// why says for how long nothing has improved.
func (p *Plateau) why(e search.Reported, best Top) string {
	by := ""
	if p.MinDelta > 0 {
		by = fmt.Sprintf(" by more than %s", number(p.MinDelta))
	}
	return fmt.Sprintf("rung %d: %s does not improve on %s of budget %d%s, for %d rungs", e.Budget, number(e.Values[0]), number(best.Value), best.Budget, by, best.Missed)
}
