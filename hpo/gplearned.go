package hpo

import (
	"math"

	"budwood/search"
)

// feasibility is the process of the labels of trials, −1 for feasible ones and 1
// for the others (least-squares classification; Rasmussen & Williams 2006, Section
// 6.5), with hyperparameters of its own: what makes a point infeasible need not
// make it good or bad.
func (g *GP) feasibility(c *cube, feasible, infeasible [][]float64) *posterior {
	var use []observation
	for i := range max(len(feasible), len(infeasible)) { // an even share of both
		if i < len(infeasible) {
			use = append(use, observation{x: infeasible[i], loss: 1})
		}
		if i < len(feasible) {
			use = append(use, observation{x: feasible[i], loss: -1})
		}
	}
	return g.plain(c, use)
}

// costs is the process of the log cost of a unit of budget of trials, for what a
// trial will be given is the scheduler's to decide; nil if none has a cost.
func (g *GP) costs(req search.Request, c *cube, of []observation) *posterior {
	if g.Cost == "" {
		return nil
	}
	var use []observation
	for _, s := range of {
		if v, ok := unitCost(&req.Past[s.record], g.Cost); ok {
			use = append(use, observation{x: s.x, loss: v})
		}
	}
	if len(use) == 0 {
		return nil
	}
	return g.plain(c, use)
}

// plain is a process of values without transformation, those trained on first.
func (g *GP) plain(c *cube, use []observation) *posterior {
	k := newKernel(c)
	n := min(fitAt(len(use)), fitMost)
	k.set(g.fit(k, use[:n], true))
	points, y := make([][]float64, len(use)), make([]float64, len(use))
	for i, s := range use {
		points[i], y[i] = s.x, s.loss
	}
	return g.posterior(k, points, y)
}

// unitCost is the log cost of a unit of budget of a trial; ok is false if it is
// not known.
func unitCost(r *search.Record, of CostMetric) (log float64, ok bool) {
	cost := r.Joules
	if of == Time {
		cost = r.Seconds
	}
	last, ok := r.Last()
	if !ok || last.Budget < 1 || !(cost > 0) || math.IsInf(cost, 0) {
		return 0, false
	}
	return math.Log(cost / float64(last.Budget)), true
}
