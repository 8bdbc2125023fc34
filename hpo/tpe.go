package hpo

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// TPE is the multivariate tree-structured Parzen estimator (Bergstra et al.
// 2011; Falkner et al. 2018, Section 3; Watanabe 2023 for its parts). The best γ
// of the trials make the density l(x), the others g(x); of some points drawn
// from l, the one with the largest l(x)/g(x) is proposed. Kernels are products
// over all parameters, so that interactions are seen, and each density holds the
// prior as one more component. Parameters that a trial does not have, being in
// another branch, are uniform in its kernel.
//
// Trials that run, diverged or failed count as bad, so that parallel proposals do
// not repeat each other (constant liar). From infeasible trials the probability
// that a point is feasible is learned, and weighs the expected improvement
// (c-TPE; Watanabe & Hutter 2023). The first trials are points of [Halton].
//
// With a scheduler of several rungs this is BOHB (Falkner et al. 2018), except for one
// thing: there the model sees the trials of one rung, the highest with enough of
// them; here it sees all, each with its loss at its own rung moved by the median of
// what the trials that went on from there gained later.
//
// Of several objectives only the first counts: see [MOTPE].
type TPE struct {
	Startup    int        // trials with a result before the model is used; 0 means 10
	Candidates int        // points of which the best is proposed; 0 means 32
	Cost       CostMetric // what a trial costs: the improvement expected for it counts; "" means nothing
}

const (
	tpeGood     = .15 // γ, the share of good trials
	tpeMostGood = 25  // at most so many
	tpeMostBad  = 250 // of more bad trials, so many stand for all
)

var _ search.Sampler = TPE{}

// Propose returns points where good trials are dense and bad ones are not.
func (t TPE) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	return t.proposeFrom(req, read(req), inPast(req))
}

// proposeFrom is Propose for a past that was read.
func (t TPE) proposeFrom(req search.Request, p past, repeats repeated) ([]search.Params, error) {
	return t.propose(req, repeats, len(p.ranked), func() tpeSplit {
		// The better of the good trials count more: weights as in CMA-ES.
		n := goodOf(len(p.ranked))
		s := tpeSplit{bad: p.bad, pending: p.pending}
		for k, r := range p.ranked {
			if k >= n {
				s.rest = append(s.rest, r.record)
				continue
			}
			s.good = append(s.good, r.record)
			s.weight = append(s.weight, math.Log(float64(n+1))-math.Log(float64(k+1)))
		}
		return s
	})
}

// goodOf is the number of good trials of n.
func goodOf(n int) int { return min(int(math.Ceil(tpeGood*float64(n))), tpeMostGood) }

// propose proposes by the two densities of a past of so many results.
func (t TPE) propose(req search.Request, repeats repeated, results int, split func() tpeSplit) ([]search.Params, error) {
	halton := newHalton(req)
	var model *tpeModel
	if results >= orDefault(t.Startup, 1, 10) {
		model = newTPEModel(req, split())
		model.cost = newCostModel(req, model.c, t.Cost)
	}
	return untriedBy(req, repeats, func(i int, out []search.Params, rng *rand.Rand, again bool) search.Params {
		switch {
		case again:
			return req.Space.Sample(rng)
		case model == nil:
			return halton.point(req.First + i)
		}
		if i > 0 {
			model.pending(out[i-1])
		}
		return model.propose(req, repeats, out, rng, orDefault(t.Candidates, 1, 32))
	})
}

// tpeSplit are the records of the trials that count as good, with their weights,
// and of all others: the rest from good to bad, and those without a result.
type tpeSplit struct {
	good               []int
	weight             []float64
	rest, bad, pending []int
}

// tpeModel are the two densities of a request.
type tpeModel struct {
	c         *cube
	good, bad *parzen
	badX      [][]float64
	cost      *costModel // nil: costs do not count
	drawn     []prospect // room for candidates

	infeasible *parzen // density of the infeasible trials, nil without any
	odds       float64 // log of the number of infeasible trials to that of the others
	share      float64 // of the good among the feasible
}

func newTPEModel(req search.Request, s tpeSplit) *tpeModel {
	m := &tpeModel{c: newCube(req.Space)}
	goodX := make([][]float64, len(s.good))
	sum := 0.0
	for k, i := range s.good {
		goodX[k] = m.c.vector(req.Past[i].Params)
		sum += s.weight[k]
	}
	for k := range s.weight {
		s.weight[k] *= float64(len(s.good)) / sum
	}
	for k := range min(len(s.rest), tpeMostBad) {
		m.badX = append(m.badX, m.c.vector(req.Past[s.rest[k*len(s.rest)/min(len(s.rest), tpeMostBad)]].Params))
	}
	var infeasible [][]float64 // at most tpeMostBad
	last := func(of []int) []int { return of[max(len(of)-tpeMostBad, 0):] }
	feasible := len(s.good) + len(s.rest) + len(s.pending)
	barred := 0 // infeasible, all of them
	for _, i := range s.bad {
		if req.Past[i].State == search.Infeasible {
			barred++
		}
	}
	feasible += len(s.bad) - barred
	for _, i := range last(s.bad) {
		x := m.c.vector(req.Past[i].Params)
		if req.Past[i].State == search.Infeasible {
			infeasible = append(infeasible, x)
		} else {
			m.badX = append(m.badX, x)
		}
	}
	for _, i := range last(s.pending) {
		m.badX = append(m.badX, m.c.vector(req.Past[i].Params))
	}
	m.good = newParzen(m.c, goodX, s.weight)
	m.bad = newParzen(m.c, m.badX, nil)
	m.share = float64(len(s.good)) / float64(feasible)
	if len(infeasible) > 0 {
		m.infeasible = newParzen(m.c, infeasible, nil)
		m.odds = math.Log(float64(barred)) - math.Log(float64(feasible))
	}
	return m
}

// pending makes a proposed point one of the bad ones.
func (m *tpeModel) pending(p search.Params) {
	m.badX = append(m.badX, m.c.vector(p))
	m.bad = newParzen(m.c, m.badX, nil)
}

// score is how promising a vector is, in logarithms.
func (m *tpeModel) score(x []float64) float64 {
	l, g := m.good.logDensity(x), m.bad.logDensity(x)
	out := l - g
	if m.infeasible != nil {
		// P(feasible | x) by Bayes' rule; the density of the feasible is that of
		// both parts together.
		f := logAdd(math.Log(m.share)+l, math.Log1p(-m.share)+g)
		out = m.improvement(out) - logAdd(0, m.odds+m.infeasible.logDensity(x)-f)
	}
	if m.cost != nil {
		if m.infeasible == nil {
			out = m.improvement(out)
		}
		out -= m.cost.log(x)
	}
	return out
}

// improvement is the log expected improvement, except for a constant, where the
// densities have a log ratio (Bergstra et al. 2011, Equation 2).
func (m *tpeModel) improvement(ratio float64) float64 {
	return -logAdd(math.Log(tpeGood), math.Log1p(-tpeGood)-ratio)
}

// logAdd is log(eᵃ + eᵇ).
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(a, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// propose is the best of n points drawn from the good ones' density; one from
// the prior if all of them repeat others.
func (m *tpeModel) propose(req search.Request, repeats repeated, out []search.Params, rng *rand.Rand, n int) search.Params {
	for len(m.drawn) < n {
		m.drawn = append(m.drawn, prospect{x: make([]float64, len(m.c.dims))})
	}
	for i := range n {
		s := &m.drawn[i]
		m.good.sample(rng, s.x)
		s.v = m.score(s.x)
	}
	slices.SortStableFunc(m.drawn[:n], func(a, b prospect) int { return cmp.Compare(b.v, a.v) })
	for i, s := range m.drawn[:n] {
		if math.IsNaN(s.v) || i > 0 && slices.Equal(s.x, m.drawn[i-1].x) {
			continue
		}
		if p := m.c.decode(s.x); req.Constraints.Hold(p) && !repeats(out, p) {
			return p
		}
	}
	return req.Space.Sample(rng)
}
