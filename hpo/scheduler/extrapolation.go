package scheduler

import (
	"fmt"
	"math"
	"slices"

	"budwood/search"
)

// Extrapolation stops a trial whose learning curve, extrapolated to the full
// budget, is unlikely to beat the best trial that got there (Domhan et al. 2015,
// Section 4): by an ensemble of curves with priors from the study's own trials.
// Until Peers trials have completed, and for the first Points of its rungs,
// nobody is stopped.
type Extrapolation struct {
	Min    int         `json:"min"`    // the least budget of a rung; 0 means 1
	Max    int         `json:"max"`    // the full budget; 0 means Min. Each rung has 1.5 times the budget of the one before
	Chance float64     `json:"chance"` // of beating the best, below which a trial is stopped; 0 means 0.05
	Points int         `json:"points"` // 0 means 3
	Peers  int         `json:"peers"`  // 0 means 3
	Goal   search.Goal `json:"goal"`

	Next   int               `json:"next"`             // state: number of the next trial
	Rungs  []Rung            `json:"rungs,omitempty"`  // state
	Curves map[int][]float64 `json:"curves,omitempty"` // state: losses at the rungs of each trial that goes on
	Shapes []float64         `json:"shapes,omitempty"` // state: how many complete curves each component explains, and one more
}

var _ search.Scheduler = (*Extrapolation)(nil)

// Brackets is the one ladder there is.
func (x Extrapolation) Brackets() []Bracket { return []Bracket{{ladder(x.Min, x.Max, 1.5), 1}} }

// Step answers a free slot with a trial that may go on, else with a new one.
func (x *Extrapolation) Step(e search.Event) []search.Action {
	if x.Rungs == nil {
		x.Rungs = newRungs(x.Brackets()[0].Rungs)
	}
	switch e := e.(type) {
	case search.Free:
		return goOn(x.Rungs, e, &x.Next)
	case search.Reported:
		return x.report(e)
	case search.Ended:
		delete(x.Curves, e.Trial)
		if usable(e.Values) { // complete as it is: the others must beat it
			x.last().add(Peer{Trial: e.Trial, Values: e.Values, Done: e.State == search.Completed}, x.Goal)
		}
	case search.Settle:
		return settle(e, x.Goal, x.Rungs)
	case search.Aside:
		setAside(x.Rungs, e.Trials, x.Goal)
	case search.Closed:
		return stopWaiting(x.Rungs, func(r *Rung, i int) string { return r.rank(i) + ", but the study ended" })
	}
	return nil
}

func (x *Extrapolation) last() *Rung { return &x.Rungs[len(x.Rungs)-1] }

func (x *Extrapolation) report(e search.Reported) []search.Action {
	k := level(x.Rungs, e.Budget)
	if !usable(e.Values) {
		delete(x.Curves, e.Trial)
		return []search.Action{unusable(e.Trial, e.Budget)}
	}
	if x.Curves == nil {
		x.Curves = map[int][]float64{}
	}
	curve := append(x.Curves[e.Trial], x.Goal.Loss(e.Values[0]))
	x.Curves[e.Trial] = curve
	last := k == len(x.Rungs)-1
	reason := ""
	if !last {
		reason = x.hopeless(curve, e)
	}
	x.Rungs[k].add(Peer{Trial: e.Trial, Values: e.Values, Waiting: !last && reason == "", Done: last}, x.Goal)
	switch {
	case last:
		x.learn(curve)
		delete(x.Curves, e.Trial)
		return []search.Action{trained(e.Trial, e.Budget)}
	case reason != "":
		delete(x.Curves, e.Trial)
		return []search.Action{search.Stop{Trial: e.Trial, Reason: reason}}
	}
	return nil
}

// hopeless says why a curve will hardly beat the best trial, "" if it may.
func (x *Extrapolation) hopeless(curve []float64, e search.Reported) string {
	done := x.last().Peers
	if len(done) < orDefault(x.Peers, 1, 3) || len(curve) < orDefault(x.Points, 1, 3) {
		return ""
	}
	chance := x.Chance
	if !(chance > 0) {
		chance = .05
	}
	m := x.model()
	best := done[0].Values[0]
	f := m.extrapolate(curve)
	p := f.below(x.Goal.Loss(best))
	if !(p < chance) {
		return ""
	}
	mean, sd := f.moments()
	return fmt.Sprintf("rung %d: %s would end at %s ± %s and beat %s with probability %.2g", e.Budget,
		number(e.Values[0]), number(x.Goal.Loss(mean)), number(sd), number(best), p)
}

// model has its priors from the quartiles of the first and the last rung.
func (x *Extrapolation) model() *curveModel {
	m := &curveModel{budgets: make([]float64, len(x.Rungs))}
	for i, r := range x.Rungs {
		m.budgets[i] = float64(r.Budget)
	}
	lo1, begin, hi1 := x.Rungs[0].quartiles(x.Goal)
	lo2, end, hi2 := x.last().quartiles(x.Goal)
	m.centre, m.fall = end, begin-end
	m.scale = 2 * max(hi1-lo1, hi2-lo2, math.Abs(m.fall), 1e-9*math.Abs(end), 1e-100)
	if x.Shapes != nil {
		m.weight = make([]float64, len(x.Shapes))
		sum := 0.
		for _, n := range x.Shapes {
			sum += n
		}
		for k, n := range x.Shapes {
			m.weight[k] = n / sum
		}
	}
	return m
}

// quartiles are those of the losses in a rung that is not empty.
func (r *Rung) quartiles(goal search.Goal) (low, median, high float64) {
	at := func(q float64) float64 { return goal.Loss(r.Peers[int(q*float64(len(r.Peers)-1)+.5)].Values[0]) }
	if len(r.Peers) == 0 {
		return 0, 0, 0
	}
	return at(.25), at(.5), at(.75)
}

// learn counts which components explain a complete curve.
func (x *Extrapolation) learn(curve []float64) {
	if len(curve) < len(x.Rungs) || len(curve) < 3 {
		return
	}
	if x.Shapes == nil {
		x.Shapes = slices.Repeat([]float64{1. / float64(curveComponents)}, curveComponents)
	}
	for k, w := range x.model().extrapolate(curve).weight {
		x.Shapes[k] += w
	}
}
