package hpo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// The symbols of a request with two objectives. A loss is transformed and scaled
// by output: the deviation of all losses of an objective is 1.
//
//	symbol  here        shape  meaning
//	n       len(keep)          trials that the processes see
//	D       len(c.dims)        parameters
//	x       points      n×D    trials on the unit cube
//	y       y           n×2    losses
//	F       front       k×2    losses of the first front, ascending in the first objective
//	r       ref         2      reference point: the hypervolume is what F dominates below r
//	μ, σ    mu, sigma   2      prediction of the losses at a point
//	l       length      D      the shorter length scale of the two processes, for steps

// ehviModel are the processes of a request.
type ehviModel struct {
	c          *cube
	p          [2]*posterior // by objective
	odds       odds
	infeasible int        // infeasible trials
	points     *maximizer // draws and moves points; the acquisition value is improvement
	tried      triedSet
	best       [][]float64 // points of the front
	front      [][2]float64
	ref        [2]float64
}

// The reference point lies beyond the worst of the front by this share of the
// front's extent in each objective, and at least of the deviation of all losses:
// so far that the ends of the front can still be improved on, and so near that
// they do not outweigh its middle (Ishibuchi et al. 2018 recommend 1/(k−1) of the
// extent for k points of a front; .1 is that of 11 points, whatever k is).
const refBeyond = .1

func (s *EHVI) model(req search.Request, all several, c *cube) *ehviModel {
	m := &ehviModel{c: c, tried: triedSet{}}
	keep := all.keep(orDefault(s.Points, 10, 400))
	points := make([][]float64, len(keep))
	for i, k := range keep {
		points[i] = c.vector(req.Past[all.records[k]].Params)
		m.tried.add(points[i])
	}
	broken, infeasible := without(req, all, c)
	m.infeasible = len(infeasible)
	y := make([][2]float64, len(keep))
	var length []float64
	for o := range 2 {
		observed := make([]observation, len(keep))
		for i, k := range keep {
			r := all.records[k]
			observed[i] = observation{req.Past[r].ID, points[i], all.losses[k][o], r}
		}
		g := s.process(o)
		losses, h := m.learn(g, o, observed, broken, infeasible)
		for i, v := range losses {
			y[i][o] = v
		}
		if o == 0 {
			length = slices.Clone(h.length)
			m.odds.cost = g.costs(req, c, observed)
			if len(infeasible) > 0 {
				m.odds.feasible = g.feasibility(c, append(slices.Clone(points), broken...), infeasible)
			}
			continue
		}
		for i, l := range h.length {
			length[i] = min(length[i], l)
		}
	}
	m.bound(search.Fronts(all.losses)[0], keep, points, y)
	m.points = newMaximizer(c, &acquisition{posterior: m.p[0]}, &m.tried, length)
	for _, i := range all.bad {
		m.tried.add(c.vector(req.Past[i].Params))
	}
	for _, i := range all.pending[max(len(all.pending)-gpMostOthers, 0):] {
		m.pending(c.vector(req.Past[i].Params))
	}
	return m
}

// keep are the positions of the trials that the processes see: all, or that number of
// the best fronts, in the order of their numbers.
func (s *several) keep(most int) []int {
	if len(s.records) > most {
		keep := elite(s.losses, most)
		slices.Sort(keep)
		return keep
	}
	keep := make([]int, len(s.records))
	for i := range keep {
		keep[i] = i
	}
	return keep
}

// without are the points of the last trials without usable losses: those that broke,
// and those that were infeasible.
func without(req search.Request, all several, c *cube) (broken, infeasible [][]float64) {
	for _, i := range all.bad[max(len(all.bad)-gpMostOthers, 0):] {
		x := c.vector(req.Past[i].Params)
		if req.Past[i].State == search.Infeasible {
			infeasible = append(infeasible, x)
		} else {
			broken = append(broken, x)
		}
	}
	return broken, infeasible
}

// learn makes the process of objective o. A trial that broke counts as the worst; at
// an infeasible one the process is certain of what it expects there. It returns the
// transformed losses of what was observed, and the hyperparameters.
func (m *ehviModel) learn(g *GP, o int, observed []observation, broken, infeasible [][]float64) ([]float64, hyper) {
	points, losses := make([][]float64, len(observed)), make([]float64, len(observed))
	for i, s := range observed {
		points[i], losses[i] = s.x, s.loss
	}
	k := newKernel(m.c)
	h := g.fit(k, evenly(observed[:fitAt(len(observed))], fitMost), false)
	for i, l := range h.length {
		k.weight[i] = 1 / (l * l)
	}
	k.noise, k.poly = h.noise, h.poly
	y := newOutput(losses, math.Inf(1)).apply(losses)
	all, worst := slices.Clone(y), slices.Max(y)
	for _, x := range broken {
		points, all = append(points, x), append(all, worst)
	}
	m.p[o] = g.posterior(k, points, all)
	for _, x := range infeasible {
		m.p[o].know(x)
	}
	return y, h
}

// bound sets the front and the reference point. first are the positions of the first
// front among all trials; those that the processes do not see are left out.
func (m *ehviModel) bound(first, keep []int, points [][]float64, y [][2]float64) {
	place := map[int]int{} // among those kept
	for i, k := range keep {
		place[k] = i
	}
	lo := [2]float64{math.Inf(1), math.Inf(1)}
	m.ref = [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, k := range first {
		i, ok := place[k]
		if !ok {
			continue
		}
		m.best = append(m.best, points[i])
		m.front = append(m.front, y[i])
		for o := range 2 {
			lo[o], m.ref[o] = min(lo[o], y[i][o]), max(m.ref[o], y[i][o])
		}
	}
	for o := range 2 {
		m.ref[o] += refBeyond * max(m.ref[o]-lo[o], 1)
	}
	slices.SortStableFunc(m.front, func(a, b [2]float64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
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
