package hpo

import (
	"context"
	"math"
	"math/rand/v2"

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
// Trials that run, diverged, failed or were infeasible count as bad, so that
// parallel proposals do not repeat each other (constant liar). Trials that were
// stopped or wait count with the loss that they would probably have reached. The
// first trials are points of [Halton].
type TPE struct {
	Startup    int // trials with a result before the model is used; 0 means 10
	Candidates int // points of which the best is proposed; 0 means 32
}

const (
	tpeGood     = .15 // γ, the share of good trials
	tpeMostGood = 25  // at most so many
	tpeMostBad  = 250 // of more bad trials, so many stand for all
)

var _ search.Sampler = TPE{}

// Propose returns points where good trials are dense and bad ones are not.
func (t TPE) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	p := read(req)
	halton := newHalton(req)
	var model *tpeModel
	if len(p.ranked) >= orDefault(t.Startup, 1, 10) {
		model = newTPEModel(req, p)
	}
	return untried(req, func(i int, out []search.Params, rng *rand.Rand, again bool) search.Params {
		switch {
		case again:
			return req.Space.Sample(rng)
		case model == nil:
			return halton.point(req.First + i)
		}
		if i > 0 {
			model.pending(out[i-1])
		}
		return model.propose(req, out, rng, orDefault(t.Candidates, 1, 32))
	})
}

// tpeModel are the two densities of a request.
type tpeModel struct {
	c         *cube
	good, bad *parzen
	badX      [][]float64
	next      []float64 // room for a vector
}

func newTPEModel(req search.Request, p past) *tpeModel {
	m := &tpeModel{c: newCube(req.Space)}
	m.next = make([]float64, len(m.c.dims))
	// The better of the good trials count more: weights as in CMA-ES.
	n := min(int(math.Ceil(tpeGood*float64(len(p.ranked)))), tpeMostGood)
	goodX, weight := make([][]float64, n), make([]float64, n)
	sum := 0.0
	for k := range n {
		goodX[k] = m.c.vector(req.Past[p.ranked[k].record].Params)
		weight[k] = math.Log(float64(n+1)) - math.Log(float64(k+1))
		sum += weight[k]
	}
	for k := range weight {
		weight[k] *= float64(n) / sum
	}
	rest := p.ranked[n:]
	for k := range min(len(rest), tpeMostBad) {
		r := rest[k*len(rest)/min(len(rest), tpeMostBad)]
		m.badX = append(m.badX, m.c.vector(req.Past[r.record].Params))
	}
	for _, more := range [][]int{p.bad, p.pending} {
		for _, i := range more[max(len(more)-tpeMostBad, 0):] {
			m.badX = append(m.badX, m.c.vector(req.Past[i].Params))
		}
	}
	m.good = newParzen(m.c, goodX, weight)
	m.bad = newParzen(m.c, m.badX, nil)
	return m
}

// pending makes a proposed point one of the bad ones.
func (m *tpeModel) pending(p search.Params) {
	m.badX = append(m.badX, m.c.vector(p))
	m.bad = newParzen(m.c, m.badX, nil)
}

// propose is the best of n points drawn from the good ones' density; one from
// the prior if all of them repeat others.
func (m *tpeModel) propose(req search.Request, out []search.Params, rng *rand.Rand, n int) search.Params {
	top := math.Inf(-1)
	var found search.Params
	for range n {
		m.good.sample(rng, m.next)
		score := m.good.logDensity(m.next) - m.bad.logDensity(m.next)
		if score <= top {
			continue
		}
		if p := m.c.decode(m.next); acceptable(req, out, p) {
			top, found = score, p
		}
	}
	if found == nil {
		return req.Space.Sample(rng)
	}
	return found
}
