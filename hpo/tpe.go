package hpo

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// TPE is the multivariate tree-structured Parzen estimator (Bergstra et al.
// 2011; Falkner et al. 2018, Section 3; Watanabe 2023 for its parts). The best γ
// of the trials, at most 25, make the density l(x), the others g(x); of some
// points drawn from l the one with the largest l(x)/g(x) is proposed. Kernels are
// products over all parameters, so that interactions are seen, and every density
// holds the prior as one more component. Parameters that a trial does not have,
// being in another branch, are uniform in its kernel.
//
// Trials that run, diverged, failed or were infeasible count as bad: parallel
// proposals do not repeat each other (constant liar). Under a scheduler that
// stops trials, they are compared at the largest budget that enough of them have
// reached; those that did not reach it are bad. The first trials are points of
// [Halton].
type TPE struct {
	Startup    int // trials with a result before the model is used; 0 means 10
	Candidates int // points of which the best is proposed; 0 means 24
}

const (
	tpeGood     = .1  // γ, the share of good trials
	tpeMostGood = 25  // at most so many
	tpeWidth    = .2  // bandwidth of one point's kernel, as a share of the range
	tpeNarrow   = 100 // the least bandwidth is 1/tpeNarrow, wider with few points
	tpePrior    = 1.  // weight of the prior, in points
)

var _ search.Sampler = TPE{}

// Propose returns points where good trials are dense and bad ones are not.
func (t TPE) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	start := orDefault(t.Startup, 1, 10)
	ranked, rest := rank(req, start)
	var model *tpeModel
	halton := newHalton(req)
	var out []search.Params
	for i := range req.N {
		rng := req.Rand(i)
		var p search.Params
		if len(ranked) >= start {
			if model == nil {
				model = newTPEModel(req, ranked, rest)
			}
			p = model.propose(req, out, rng, orDefault(t.Candidates, 1, 24))
		} else {
			p = halton.point(req.First + i)
		}
		for try := 0; p == nil || repeats(req, out, p); try++ {
			if try == 64 {
				var ok bool
				if p, ok = leftOver(req, out, rng); !ok {
					if len(out) == 0 {
						return nil, search.ErrExhausted
					}
					return out, nil
				}
				break
			}
			p = req.Space.Sample(rng)
		}
		out = append(out, p)
		if model != nil {
			model.pending(p)
		}
	}
	return out, nil
}

// rank lists the records that have a loss, best first, and the others. Losses
// are compared at the largest budget at which at least enough records have one,
// else at the one that most have reached. A trial that completed before a
// budget has its loss there, too.
func rank(req search.Request, enough int) (ranked, rest []int) {
	reached := map[int]int{}
	for i := range req.Past {
		for _, m := range req.Past[i].Measurements {
			reached[m.Budget]++
		}
	}
	budget, most := 0, 0
	for b, n := range reached {
		n = min(n, enough) // enough is enough: then the larger budget is better
		if n > most || n == most && b > budget {
			budget, most = b, n
		}
	}
	loss := make([]float64, len(req.Past))
	for i := range req.Past {
		if l, ok := lossAt(&req.Past[i], req.Objectives[0], budget); ok {
			loss[i] = l
			ranked = append(ranked, i)
		} else {
			rest = append(rest, i)
		}
	}
	slices.SortStableFunc(ranked, func(a, b int) int {
		switch {
		case loss[a] < loss[b]:
			return -1
		case loss[a] > loss[b]:
			return 1
		}
		return 0
	})
	return ranked, rest
}

// lossAt is a record's loss at a budget.
func lossAt(r *search.Record, o search.Objective, budget int) (float64, bool) {
	switch r.State {
	case search.Diverged, search.Failed, search.Infeasible:
		return 0, false
	}
	for _, m := range r.Measurements {
		if m.Budget == budget {
			v, ok := m.Metrics[o.Metric]
			return o.Goal.Loss(v), ok && !math.IsNaN(v) && !math.IsInf(v, 0)
		}
	}
	if last, ok := r.Last(); ok && last.Budget < budget && r.State == search.Completed {
		return r.Loss(o)
	}
	return 0, false
}

// tpeModel are the two densities of a request.
type tpeModel struct {
	c         *cube
	good, bad *parzen
	badX      [][]float64
	next      []float64 // room for a vector
}

func newTPEModel(req search.Request, ranked, rest []int) *tpeModel {
	m := &tpeModel{c: newCube(req.Space)}
	d := len(m.c.dims)
	m.next = make([]float64, d)
	vectors := make([]float64, len(req.Past)*d)
	vector := func(i int) []float64 {
		x := vectors[i*d : (i+1)*d : (i+1)*d]
		m.c.encode(req.Past[i].Params, x)
		return x
	}
	n := max(min(int(math.Ceil(tpeGood*float64(len(ranked)))), tpeMostGood), 1)
	var goodX [][]float64
	for k, i := range ranked {
		if k < n {
			goodX = append(goodX, vector(i))
		} else {
			m.badX = append(m.badX, vector(i))
		}
	}
	for _, i := range rest {
		m.badX = append(m.badX, vector(i))
	}
	m.good = newParzen(m.c, goodX)
	m.bad = newParzen(m.c, m.badX)
	return m
}

// pending makes a proposed point one of the bad ones.
func (m *tpeModel) pending(p search.Params) {
	x := make([]float64, len(m.c.dims))
	m.c.encode(p, x)
	m.badX = append(m.badX, x)
	m.bad = newParzen(m.c, m.badX)
}

// propose is the best of n points drawn from the good ones' density, nil if all
// of them repeat others.
func (m *tpeModel) propose(req search.Request, out []search.Params, rng *rand.Rand, n int) search.Params {
	top := math.Inf(-1)
	var found search.Params
	for range n {
		m.good.sample(rng, m.next)
		s := m.good.logDensity(m.next) - m.bad.logDensity(m.next)
		if s <= top {
			continue
		}
		if p := m.c.decode(m.next); !repeats(req, out, p) {
			top, found = s, p
		}
	}
	return found
}
