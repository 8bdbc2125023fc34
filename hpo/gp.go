package hpo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"budwood/search"
)

// The symbols of the Gaussian process, here and in kernel.go, gpfit.go and
// posterior.go (Rasmussen & Williams 2006). Losses are minimised; y is without a
// unit, because output centres and scales the losses.
//
//	symbol  here            shape    meaning
//	n       len(alpha)               trials that the process has seen
//	D       len(c.dims)              parameters, those of all branches
//	x       x               D        a point on the unit cube [0,1]^D; NaN: the parameter does not exist in its branch
//	X       points          n×D      the trials; by parameter in posterior.columns, D×n
//	y       y               n        losses, transformed
//	δ       hyper.delta              bend of the losses, in their unit; infinite: none
//	l       hyper.length    D        length scales; weight is 1/l²
//	g       hyper.noise              variance of the noise, relative to s²
//	p       hyper.poly               weight of the quadratic part, relative to s²; 0: there is none
//	θ       theta           D+1 …    logarithms of l, g, p if there is one, and of the warps
//	a, b    warp.a, warp.b  D        input warping of a parameter
//	k(x,x') kernel                   M(r) + p·Q(x,x') + g·[x is x'], r the distance in length scales
//	K       posterior.f     n×n      k of all pairs, as its Cholesky factor
//	μ, s²   mean, variance           mean and variance of the process
//	α       alpha           n        K⁻¹(y − μ)
//	μ(x)    mu                       predicted mean
//	σ(x)    sigma                    and standard deviation

// GP is Bayesian optimisation by a Gaussian process (Snoek et al. 2012): the
// point of the largest expected improvement is proposed. Its parts are the kernel
// over mixed spaces with branches, hyperparameters of the largest posterior
// density, scales that are bent where a loss changes unevenly along a parameter
// (input warping; Snoek et al. 2014), a transformation of the losses chosen by the
// same density, and the logarithm of the expected improvement, climbed from many
// points. Trials that run count with the loss expected of them; those that diverged, failed or were
// infeasible with the worst one there was. In more than three dimensions the search
// keeps to a trust region around the best point (TuRBO, Eriksson et al. 2019).
// With many trials the process sees the best ones and some of the others, so that
// a proposal costs the same from then on. The first trials are points of [Halton].
//
// A GP keeps what it computed, to be fast; the proposals do not depend on it.
type GP struct {
	Startup int        // trials with a result before the model is used; 0 means two more than there are parameters, at most 10
	Points  int        // trials that the process sees at most; 0 means 400
	Cost    CostMetric // what a trial costs: the improvement expected for it counts; "" means nothing

	plainly bool // see fit

	reading sync.Mutex
	memo    memo

	mu    sync.Mutex
	cache gpCache
}

var (
	_ search.Sampler   = (*GP)(nil)
	_ search.Explainer = (*GP)(nil)
)

// gpCache are the results of the last requests.
type gpCache struct {
	fits      []fitted // the last few
	factors   []factored
	picks     []picked
	explained explanation
}

// explanation is what Explain says of a request: of a trial, its study's seed and a
// version of the past.
type explanation struct {
	version, first int
	seed           uint64
	text           string
}

type fitted struct {
	key uint64
	h   hyper
}

// factored is a factor of the kernel of some points.
type factored struct {
	key    uint64 // of the hyperparameters
	points [][]float64
	f      cholesky
}

// picked are the results that were picked of some.
type picked struct {
	of, take []ranked
	most     int
}

const gpCached = 8

// Propose returns the points of the largest expected improvement.
func (g *GP) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	g.reading.Lock()
	defer g.reading.Unlock()
	return g.propose(req, g.memo.read(req), g.memo.repeats)
}

// propose is Propose for a past that was read.
func (g *GP) propose(req search.Request, p past, repeats repeated) ([]search.Params, error) {
	var m *gpModel
	if g.ready(p, len(req.Space.Dims())) {
		m = g.model(req, p)
	}
	return g.proposeBy(m, req, p, repeats)
}

// proposeBy is propose by a model of the past, nil if it is too early for one.
func (g *GP) proposeBy(m *gpModel, req search.Request, p past, repeats repeated) ([]search.Params, error) {
	halton := newHalton(req)
	if m != nil {
		if !req.Constraints.None() {
			m.allowed = func(x []float64) bool { return req.Constraints.Hold(m.c.decode(x)) }
		}
		g.cache.explained = explanation{p.version, req.First, req.Seed, m.explain(len(p.ranked), g.Cost)}
	}
	return untriedBy(req, repeats, func(i int, out []search.Params, rng *rand.Rand, again bool) search.Params {
		switch {
		case again:
			return req.Space.Sample(rng)
		case m == nil:
			return halton.point(req.First + i)
		}
		if i > 0 {
			m.pending(m.c.vector(out[i-1]))
		}
		x, note := m.propose(rng, req.First+i)
		if i == 0 {
			g.cache.explained.text += note
		}
		if x != nil {
			return m.c.decode(x)
		}
		return halton.point(req.First + i)
	})
}

// ready reports whether the even start is over: with the trials that run it has as
// many as it is to have, and half of them have a result.
func (g *GP) ready(p past, dims int) bool {
	n, first := len(p.ranked), orDefault(g.Startup, 1, startup(dims))
	return dims > 0 && n+len(p.pending) >= first && 2*n >= first
}

// startup is the default number of trials with a result before a model is used.
func startup(dims int) int { return min(dims+2, 10) }

// gpModel is the process of a request.
type gpModel struct {
	c          *cube
	p          *acquisition
	h          hyper
	infeasible int // infeasible trials
	tried      triedSet
	best       [][]float64 // vectors of the best trials
	seen       [][]float64 // vectors of all that the process has seen
	branches   [][]branch
	lo         []float64 // trust region
	hi         []float64

	records []int     // those with results that the process sees
	out     output    // of the losses
	y       []float64 // the transformed losses of the records, and of trials that broke
	errors  []float64 // see below
	allowed func(x []float64) bool
}

// observation is a trial that the process sees.
type observation struct {
	id     int
	x      []float64
	loss   float64
	record int
}

// learn fits a process to the results.
func (g *GP) learn(req search.Request, p past) (*cube, kernel, hyper) {
	c := newCube(req.Space)
	k := newKernel(c)
	k.bent = c.warpable()
	return c, k, g.fit(k, observe(req, c, g.pick(p.results[:fitAt(len(p.results))], fitMost)), g.plainly)
}

func (g *GP) model(req search.Request, p past) *gpModel {
	c, k, h := g.learn(req, p)
	k.set(h)
	c = c.warped(h.warps)
	m := &gpModel{c: c, h: h, tried: triedSet{}}
	all := observe(req, c, g.subsample(p.results))

	points, losses := make([][]float64, len(all)), make([]float64, len(all))
	for i, s := range all {
		points[i], losses[i] = s.x, s.loss
		m.records = append(m.records, s.record)
	}
	m.out = newOutput(losses, m.h.delta)
	y := m.out.apply(losses)
	worst := slices.Max(y)
	var infeasible [][]float64
	for _, i := range p.bad[max(len(p.bad)-gpMostOthers, 0):] {
		x := c.vector(req.Past[i].Params)
		if req.Past[i].State == search.Infeasible {
			infeasible = append(infeasible, x)
		} else {
			points, y = append(points, x), append(y, worst)
		}
	}
	m.p, m.y = &acquisition{posterior: g.posterior(k, points, y)}, y
	m.branches, m.seen = c.branches(), slices.Clone(points)
	if m.infeasible = len(infeasible); m.infeasible > 0 {
		m.p.feasible = g.feasibility(c, points, infeasible)
		for _, x := range infeasible {
			m.p.know(x)
			m.seen, m.p.means = append(m.seen, x), append(m.p.means, math.Inf(1))
		}
	}
	m.p.cost = g.costs(req, c, all)
	for _, x := range m.seen {
		m.tried.add(x)
	}
	for _, i := range p.pending[max(len(p.pending)-gpMostOthers, 0):] {
		m.pending(c.vector(req.Past[i].Params))
	}
	best := 10
	if len(m.branches) > 0 {
		best = 200
	}
	for _, r := range p.ranked[:min(len(p.ranked), best)] {
		m.best = append(m.best, c.vector(req.Past[r.record].Params))
	}
	if len(c.dims) > regionFrom && tied(p) < flat {
		m.lo, m.hi = region(c, p, m.best[0], m.h.length)
	}
	return m
}

// Where this share of the results is as good as the best one there is nothing to stay
// near to.
const flat = .25

// Of the trials that broke, and of those that run, the process sees so many.
const gpMostOthers = 100

// subsampleGrowth is how many results at most a process sees beyond those that were
// picked for it. Until then each new result is added to it, and to its Cholesky
// factor. After that a new subsample is picked.
const subsampleGrowth = 40

// subsample picks the results that the process sees, in the order of their records.
func (g *GP) subsample(results []ranked) []ranked {
	most, n := orDefault(g.Points, 10, 400), len(results)
	if n <= most {
		return results
	}
	grown := min(subsampleGrowth, most/4)
	n -= (n - most) % grown
	return append(g.pick(results[:n], most-grown+1), results[n:]...)
}

// pick takes at most that many of the results, in the same order: of too many, the best
// and an even share of the others.
func (g *GP) pick(results []ranked, most int) []ranked {
	n := len(results)
	if n <= most {
		return slices.Clone(results)
	}
	g.mu.Lock()
	for _, k := range g.cache.picks {
		if k.most == most && slices.Equal(k.of, results) {
			g.mu.Unlock()
			return slices.Clone(k.take)
		}
	}
	g.mu.Unlock()
	best, top := rank(results), most/2
	take := slices.Clone(best[:top])
	rest := best[top:]
	for i := range most - top {
		take = append(take, rest[i*len(rest)/(most-top)])
	}
	slices.SortFunc(take, func(a, b ranked) int { return a.record - b.record })
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cache.picks = append(g.cache.picks[max(len(g.cache.picks)-3, 0):], picked{slices.Clone(results), slices.Clone(take), most})
	return take
}

// observe turns results into observations.
func observe(req search.Request, c *cube, results []ranked) []observation {
	out := make([]observation, len(results))
	for i, r := range results {
		rec := &req.Past[r.record]
		out[i] = observation{rec.ID, c.vector(rec.Params), r.loss, r.record}
	}
	return out
}

func (m *gpModel) pending(x []float64) {
	m.p.believe(x)
	m.seen = append(m.seen, x)
	m.tried.add(x)
}

// propose is a vector for a trial, nil if none was found, and what is to be said of
// the search for it.
func (m *gpModel) propose(rng *rand.Rand, trial int) (x []float64, note string) {
	a := newMaximizer(m.c, m.p, &m.tried, m.h.length)
	a.allowed = m.allowed
	best := m.best
	if s, ok := roundRobin(m.branches, trial, m.seen); ok {
		a.within = s
		best = slices.DeleteFunc(slices.Clone(m.best), func(x []float64) bool { return !s.has(x) })
		all := m.p.best
		defer func() { m.p.best = all }()
		m.p.best = math.Inf(1)
		for j, x := range m.seen {
			if s.has(x) {
				m.p.best = min(m.p.best, m.p.means[j])
			}
		}
		if len(best) == 0 {
			m.p.best = all
		}
	}
	best = best[:min(len(best), 10)]
	if m.lo != nil {
		a.lo, a.hi = m.lo, m.hi
	}
	e := usualEffort
	if n := len(m.p.alpha); n > 200 {
		e = laterEffort
	}
	if x = a.propose(rng, best, e); x == nil {
		return nil, "; all that was compared had been tried: a point of an even spread"
	}
	return x, a.cut()
}

// What is tried for a proposal. On the functions of hpo/bench (6 seeds, 60
// evaluations; the regret after 25, 40 and 60 is .0125, .0033 and .0017) a quarter of
// the draws leaves up to a seventh more regret, a quarter of the steps up to a tenth;
// four times the draws, three times the climbs and three times the steps change it by
// less than a tenth, in no one direction. A prediction takes time in proportion to n², so
// from 200 trials on there is less than half of it, which keeps a proposal within
// some tens of milliseconds.
var (
	usualEffort = effort{prior: 200, near: 200, climbs: 6, steps: 20}
	laterEffort = effort{prior: 80, near: 80, climbs: 3, steps: 15}
)

// The process is fitted anew after each trial up to this number, and then
// whenever a tenth was added; to at most so many trials.
const (
	fitEach = 30
	fitMost = 150
)

// fitAt is the number of trials, at most n, to which the process is fitted.
func fitAt(n int) int {
	k := min(n, fitEach)
	for next := k; next <= n; next += max(next/10, 1) {
		k = next
	}
	return k
}

// fit finds the hyperparameters, plain ones as in the function fit.
func (g *GP) fit(k kernel, use []observation, plain bool) hyper {
	points, losses := make([][]float64, len(use)), make([]float64, len(use))
	key := uint64(len(use))
	if plain {
		key = ^key
	}
	dims := 0.0
	for i, s := range use {
		points[i], losses[i] = s.x, s.loss
		key = hashOf([]float64{float64(key >> 32), float64(uint32(key)), s.loss}) ^ hashOf(s.x)
		for _, u := range s.x {
			if u == u {
				dims += 1 / float64(len(use))
			}
		}
	}
	g.mu.Lock()
	for _, f := range g.cache.fits {
		if f.key == key {
			g.mu.Unlock()
			return f.h
		}
	}
	g.mu.Unlock()
	h := fit(k, points, losses, dims, plain)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cache.fits = append(g.cache.fits[max(len(g.cache.fits)-gpCached, 0):], fitted{key, h})
	return h
}

// posterior builds the process, on a factor of the same first points if there is
// one.
func (g *GP) posterior(k kernel, points [][]float64, y []float64) *posterior {
	key := hashOf(append([]float64{k.noise, k.poly}, k.weight...))
	g.mu.Lock()
	var known cholesky
	longest := 0
	for _, f := range g.cache.factors {
		if f.key != key {
			continue
		}
		n := 0
		for n < len(points) && n < len(f.points) && sameVector(points[n], f.points[n]) {
			n++
		}
		if n > longest {
			longest, known = n, f.f.first(n)
		}
	}
	g.mu.Unlock()
	p := newPosterior(k, points, y, known)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cache.factors = append(g.cache.factors[max(len(g.cache.factors)-gpCached+1, 0):], factored{key, points, p.f.first(len(points))})
	return p
}

// sameVector reports whether two vectors are the same; NaN is the same as NaN.
func sameVector(x, y []float64) bool {
	for i, v := range x {
		if w := y[i]; v != w && (v == v || w == w) {
			return false
		}
	}
	return true
}

// Explain says what the process has learned: what it takes for noise, how it
// bends the losses, and which numerical trouble it had.
func (g *GP) Explain(req search.Request) string {
	g.reading.Lock()
	defer g.reading.Unlock()
	return g.explain(req, g.memo.read(req), g.memo.repeats)
}

func (g *GP) explain(req search.Request, p past, repeats repeated) string {
	dims := len(req.Space.Dims())
	if !g.ready(p, dims) {
		return fmt.Sprintf("quasi: an even start, %d of %d results", len(p.ranked), orDefault(g.Startup, 1, startup(dims)))
	}
	if e := g.cache.explained; e.version != p.version || e.first != req.First || e.seed != req.Seed { // no proposal came before
		req.N = 1
		if _, err := g.propose(req, p, repeats); err != nil {
			return fmt.Sprintf("gp: %v", err)
		}
	}
	return g.cache.explained.text
}

func (m *gpModel) explain(results int, cost CostMetric) string {
	s := fmt.Sprintf("gp: %d results over %d parameters, noise %.1g%%", results, len(m.c.dims), 100*math.Sqrt(m.h.noise))
	if !math.IsInf(m.h.delta, 1) {
		s += ", losses by logarithm"
	}
	if m.h.poly > 0 {
		s += ", with a bowl"
	}
	if names := m.c.bent(); len(names) > 0 {
		s += ", the scale bent of " + strings.Join(names, ", ")
	}
	return s + m.p.learned(m.infeasible, cost, m.p.posterior)
}
