package hpo

import (
	"cmp"
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

// ehviModel are the processes of a request.
type ehviModel struct {
	c          *cube
	p          [2]*posterior
	odds       odds
	infeasible int // infeasible trials
	points     *maximizer
	tried      triedSet
	best       [][]float64 // vectors of the front
	front      [][2]float64
	ref        [2]float64
}

func (s *EHVI) model(req search.Request, all several, c *cube) *ehviModel {
	m := &ehviModel{c: c, tried: triedSet{}}
	use := all.records
	most := orDefault(s.Points, 10, 400)
	keep := make([]int, len(use)) // positions
	for i := range keep {
		keep[i] = i
	}
	if len(keep) > most { // the best fronts, in the order of their numbers
		keep = elite(all.losses, most)
		slices.Sort(keep)
	}
	first := search.Fronts(all.losses)[0]
	fitted := len(keep) // so many of the trials are fitted: a tenth more each time
	if fitted <= most {
		fitted = fitAt(fitted)
	}
	points := make([][]float64, len(keep))
	y := make([][2]float64, len(keep))
	for i, k := range keep {
		points[i] = c.vector(req.Past[use[k]].Params)
		m.tried.add(points[i])
	}
	var broken, infeasible [][]float64
	for _, i := range all.bad[max(len(all.bad)-gpMostOthers, 0):] {
		x := c.vector(req.Past[i].Params)
		if req.Past[i].State == search.Infeasible {
			infeasible = append(infeasible, x)
		} else {
			broken = append(broken, x)
		}
	}
	m.infeasible = len(infeasible)
	var length []float64
	for o := range 2 {
		observed := make([]observation, len(keep))
		losses := make([]float64, len(keep))
		for i, k := range keep {
			observed[i] = observation{req.Past[use[k]].ID, points[i], all.losses[k][o], use[k]}
			losses[i] = all.losses[k][o]
		}
		g := s.process(o)
		k := newKernel(c)
		h := g.fit(k, evenly(observed[:fitted], fitMost), false)
		for i, l := range h.length {
			k.weight[i] = 1 / (l * l)
			if o == 0 {
				length = append(length, l)
			} else {
				length[i] = min(length[i], l)
			}
		}
		k.noise, k.poly = h.noise, h.poly
		bent := newOutput(losses, math.Inf(1)).apply(losses)
		for i, v := range bent {
			y[i][o] = v
		}
		at := slices.Clone(points)
		worst := slices.Max(bent)
		for _, x := range broken {
			at, bent = append(at, x), append(bent, worst)
		}
		m.p[o] = g.posterior(k, at, bent)
		for _, x := range infeasible {
			m.p[o].know(x)
		}
		if o == 0 {
			m.odds.cost = g.costs(req, c, observed)
			if len(infeasible) > 0 {
				m.odds.feasible = g.feasibility(c, at, infeasible)
			}
		}
	}
	position := map[int]int{}
	for i, k := range keep {
		position[k] = i
	}
	lo := [2]float64{math.Inf(1), math.Inf(1)}
	m.ref = [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, k := range first {
		i, ok := position[k]
		if !ok {
			continue
		}
		m.best = append(m.best, points[i])
		m.front = append(m.front, y[i])
		for o := range 2 {
			lo[o], m.ref[o] = min(lo[o], y[i][o]), max(m.ref[o], y[i][o])
		}
	}
	for o := range 2 { // beyond the worst of the front by a tenth of it, and at least of the deviation of all
		m.ref[o] += .1 * max(m.ref[o]-lo[o], 1)
	}
	slices.SortStableFunc(m.front, func(a, b [2]float64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	m.points = newMaximizer(c, &acquisition{posterior: m.p[0]}, &m.tried, length)
	for _, i := range all.bad {
		m.tried.add(c.vector(req.Past[i].Params))
	}
	for _, i := range all.pending[max(len(all.pending)-gpMostOthers, 0):] {
		m.pending(c.vector(req.Past[i].Params))
	}
	return m
}

// evenly keeps at most n of some, evenly.
func evenly[T any](of []T, n int) []T {
	if len(of) <= n {
		return of
	}
	out := make([]T, n)
	for i := range out {
		out[i] = of[i*len(of)/n]
	}
	return out
}

func (m *ehviModel) pending(x []float64) {
	m.p[0].believe(x)
	m.p[1].believe(x)
	m.tried.add(x)
}

// improvement is the expected improvement of the hypervolume at a vector: the
// front cuts the plane into strips, in each of which it is the product of two
// expected improvements in one dimension.
func (m *ehviModel) improvement(x []float64) float64 {
	var mu, sigma [2]float64
	for o, p := range m.p {
		mu[o], sigma[o] = p.predict(x)
	}
	below := func(o int, t float64) float64 { // E (t − y)⁺
		z := (t - mu[o]) / sigma[o]
		return sigma[o] * (z*cdf(z) + math.Exp(-z*z/2)/math.Sqrt(2*math.Pi))
	}
	sum, left, top := 0., 0., m.ref[1]
	for _, f := range m.front {
		right := below(0, f[0])
		sum += max(right-left, 0) * below(1, top)
		left, top = right, f[1]
	}
	return sum + max(below(0, m.ref[0])-left, 0)*below(1, top)
}

// propose compares points of the prior and near the front, and goes on from the
// best ones by smaller and smaller steps.
func (m *ehviModel) propose(req search.Request, out []search.Params, rng *rand.Rand) []float64 {
	prior, near, kept, rounds, children := 150, 150, 5, 8, 6
	if len(m.p[0].alpha) > 200 {
		prior, near, rounds = 75, 75, 6
	}
	var pool []prospect
	add := func(x []float64) {
		if !m.tried.has(x) && (req.Constraints.None() || acceptable(req, out, m.c.decode(x))) {
			// Where nothing is expected the odds decide alone.
			v := math.Log(max(m.improvement(x), math.SmallestNonzeroFloat64)) + m.odds.of(x)
			pool = append(pool, prospect{x, v})
		}
	}
	for range prior {
		x := make([]float64, len(m.c.dims))
		m.c.fill(x, func(i int) float64 { return m.points.draw(rng, i) })
		add(x)
	}
	for i := range near {
		add(m.points.mutate(rng, m.best[i%len(m.best)]))
	}
	best := func() {
		slices.SortStableFunc(pool, func(a, b prospect) int { return cmp.Compare(b.v, a.v) })
		pool = pool[:min(len(pool), kept)]
	}
	best()
	for range rounds {
		for _, s := range slices.Clone(pool) {
			for range children {
				add(m.points.mutate(rng, s.x))
			}
		}
		best()
	}
	for _, s := range pool {
		if !m.p[0].near(s.x) {
			return s.x
		}
	}
	return nil
}
