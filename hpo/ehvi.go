package hpo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"budwood/search"
)

// EHVI is Bayesian optimisation for several objectives, each with a Gaussian
// process as in [GP]. For two, the point of the largest expected improvement of
// the dominated hypervolume is proposed (Emmerich, Giannakoglou & Naujoks 2006;
// the exact sum over strips of Yang et al. 2019). For more, each trial has
// weights of its own, and the expected improvement of the augmented Chebyshev
// sum of the losses is climbed (ParEGO; Knowles 2006). Either is weighed by the
// probability that a point is feasible and, if asked, by what it costs, as in
// [GP]. The first trials are points of [Halton].
//
// It keeps what it computed, to be fast; the proposals do not depend on it. It
// must not be copied.
type EHVI struct {
	Startup int        // trials with results before the model is used; 0 means two more than there are parameters, at most 10
	Points  int        // trials that a process sees at most; 0 means 400
	Cost    CostMetric // what a trial costs: the improvement expected for it counts; "" means nothing

	mu        sync.Mutex
	processes []*GP // by objective
}

var (
	_ search.Sampler   = (*EHVI)(nil)
	_ search.Explainer = (*EHVI)(nil)
)

// Propose returns the points of the largest expected improvement.
func (s *EHVI) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	all, c := readSeveral(req), newCube(req.Space)
	halton := newHalton(req)
	var m *ehviModel
	if s.ready(all, c) && len(req.Objectives) == 2 {
		m = s.model(req, all, c)
	}
	return untried(req, func(i int, out []search.Params, rng *rand.Rand, again bool) search.Params {
		switch {
		case again:
			return req.Space.Sample(rng)
		case len(req.Objectives) != 2:
			return s.scalar(ctx, req, all, i, out)
		case m == nil:
			return halton.point(req.First + i)
		}
		if i > 0 {
			m.pending(c.vector(out[i-1]))
		}
		if x := m.propose(req, out, rng); x != nil {
			return c.decode(x)
		}
		return req.Space.Sample(rng)
	})
}

// ready reports whether the even start is over.
func (s *EHVI) ready(all several, c *cube) bool {
	return len(c.dims) > 0 && len(all.records) >= orDefault(s.Startup, 1, startup(len(c.dims)))
}

// Explain says what the processes have learned, and which numerical trouble they
// had.
func (s *EHVI) Explain(req search.Request) string {
	all, c := readSeveral(req), newCube(req.Space)
	n, m := len(all.records), len(req.Objectives)
	switch {
	case !s.ready(all, c):
		return fmt.Sprintf("quasi: an even start, %d of %d results", n, orDefault(s.Startup, 1, startup(len(c.dims))))
	case m != 2:
		return fmt.Sprintf("ehvi: %d objectives in one sum, weighed anew for each trial, %d results over %d parameters", m, n, len(c.dims))
	}
	p := s.model(req, all, c)
	return fmt.Sprintf("ehvi: %d objectives, %d results over %d parameters", m, n, len(c.dims)) + p.odds.learned(p.infeasible, s.Cost, p.p[:]...)
}

// process is the Gaussian process of an objective.
func (s *EHVI) process(k int) *GP {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.processes) <= k {
		s.processes = append(s.processes, &GP{Startup: s.Startup, Points: s.Points, Cost: s.Cost, plainly: true})
	}
	return s.processes[k]
}

// scalar is a proposal of GP for a weighted sum of the objectives.
func (s *EHVI) scalar(ctx context.Context, req search.Request, all several, i int, out []search.Params) search.Params {
	const rho = .05
	scaled := all.scaled()
	w := scalarised(rand.New(rand.NewPCG(req.Seed, 1<<62|uint64(req.First+i))), len(req.Objectives))
	one := req
	one.Objectives = []search.Objective{{Metric: "loss"}}
	one.First, one.N = req.First+i, 1
	one.Past = slices.Clone(req.Past)
	for k := range one.Past {
		one.Past[k].Measurements = nil
	}
	for k, r := range all.records {
		top, sum := math.Inf(-1), 0.
		for j, v := range scaled[k] {
			top, sum = max(top, w[j]*v), sum+w[j]*v
		}
		rec := &one.Past[r]
		rec.State = search.Completed
		last, _ := req.Past[r].Last() // its budget: costs count for a unit of it
		rec.Measurements = []search.Measurement{{Budget: last.Budget, Metrics: search.Metrics{"loss": top + rho*sum}}}
	}
	for k, p := range out {
		one.Past = append(one.Past, search.Record{Trial: search.Trial{ID: req.First + k, Params: p}, State: search.Running})
	}
	ps, err := s.process(0).Propose(ctx, one)
	if err != nil || len(ps) == 0 {
		return req.Space.Sample(req.Rand(i))
	}
	return ps[0]
}
