package hpo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// maximizer looks for the point of the largest acquisition value: points
// drawn from the prior and near the best trials are compared, and the best of
// them climb, by their gradient along what is continuous and by trying the
// neighbours along what is not.
type maximizer struct {
	c      *cube
	p      *acquisition
	tried  *triedSet
	lo, hi []float64 // of the region, by parameter; not for categories
	within branch
	length []float64

	smooth []bool // the parameter is climbed by gradient
	exact  []bool // and any value of it is allowed

	allowed func(x []float64) bool // whether the constraints hold; nil if there are none

	left int // evaluations of the acquisition function, see mostWork
}

// prospect is a vector and its acquisition value.
type prospect struct {
	x []float64
	v float64
}

// A number of more values than this is climbed as if it were continuous, and
// rounded then.
const mostNeighbours = 12

// Neighbouring values that are nearer than leastStep on [0,1] are the business of
// the gradient: the cost of a proposal must not depend on how many values a range
// has. A climb goes through the discrete parameters at most mostSweeps times.
const leastStep, mostSweeps = 1e-4, 20

// mostWork bounds a proposal, in multiplications of its predictions: some tenths of
// a second. A sampler reads no clock, so that the same request has the same answer
// on any machine.
const mostWork = 5e8

// evaluations is how many predictions of n points in d dimensions that is, enough
// in any case to compare some points.
func evaluations(n, d int) int {
	return max(int(mostWork/(float64(n+1)*(float64(n)/2+8*float64(d)+8))), 500)
}

func newMaximizer(c *cube, p *acquisition, tried *triedSet, length []float64) *maximizer {
	d := len(c.dims)
	m := &maximizer{c: c, p: p, within: branch{missing(d)}, tried: tried, length: length, lo: make([]float64, d), hi: make([]float64, d), smooth: make([]bool, d), exact: make([]bool, d),
		left: evaluations(len(p.alpha), d)}
	for k, dim := range c.dims {
		m.hi[k] = 1
		m.exact[k] = dim.Size() == 0
		m.smooth[k] = m.exact[k] || dim.Kind != search.KindChoice && dim.Size() > mostNeighbours
	}
	return m
}

// effort is how much is tried for a proposal.
type effort struct{ prior, near, climbs, steps int }

// value is the acquisition value of a point. It counts.
func (m *maximizer) value(x []float64) float64 {
	m.left--
	return m.p.value(x)
}

// holds reports whether the constraints allow a point.
func (m *maximizer) holds(x []float64) bool { return m.allowed == nil || m.allowed(x) }

// cut says that a proposal came to its limit; "" if it did not.
func (m *maximizer) cut() string {
	if m.left > 0 {
		return ""
	}
	return "; the best that was found when the work for one proposal was done"
}

// propose is the best point found that was not tried, or nil. best are the
// vectors of the best trials, the very best first.
func (m *maximizer) propose(rng *rand.Rand, best [][]float64, e effort) []float64 {
	var pool []prospect
	add := func(x []float64) {
		if !m.tried.has(x) && m.holds(x) {
			pool = append(pool, prospect{x, m.value(x)})
		}
	}
	for range e.prior {
		x := make([]float64, len(m.c.dims))
		m.c.fill(x, func(i int) float64 { return m.draw(rng, i) })
		add(x)
	}
	for i := range e.near {
		if len(best) == 0 {
			break
		}
		add(m.mutate(rng, best[i%len(best)]))
	}
	slices.SortStableFunc(pool, func(x, y prospect) int { return cmp.Compare(y.v, x.v) })
	var found []prospect
	for _, s := range pool {
		if len(found) == e.climbs {
			break
		}
		if !slices.ContainsFunc(found, func(f prospect) bool { return m.close(f.x, s.x) }) {
			found = append(found, s)
		}
	}
	for i := range found {
		found[i] = m.climb(rng, found[i], e.steps)
	}
	found = append(found, pool[:min(len(pool), 1)]...)
	slices.SortStableFunc(found, func(x, y prospect) int { return cmp.Compare(y.v, x.v) })
	for _, f := range found {
		if !m.tried.has(f.x) && !m.p.near(f.x) {
			return f.x
		}
	}
	for _, s := range pool {
		if !m.p.near(s.x) {
			return s.x
		}
	}
	return nil
}

// draw is a coordinate of the region.
func (m *maximizer) draw(rng *rand.Rand, i int) float64 {
	if v := m.within.pins[i]; v == v {
		return v
	}
	u := rng.Float64()
	if !m.p.cat[i] {
		u = m.lo[i] + u*(m.hi[i]-m.lo[i])
	}
	return m.c.snap(i, u)
}

// mutate moves some coordinates of a point, by steps of many sizes; a changed
// choice draws the parameters of its branch.
func (m *maximizer) mutate(rng *rand.Rand, from []float64) []float64 {
	x := make([]float64, len(from))
	share := math.Pow(float64(len(from)), -rng.Float64()) // from all of them to one
	reach := .5 * math.Pow(10, -3*rng.Float64())
	m.c.fill(x, func(i int) float64 {
		u := from[i]
		if pin := m.within.pins[i]; u != u || pin == pin {
			return m.draw(rng, i)
		}
		if rng.Float64() >= share {
			return u
		}
		if m.p.cat[i] {
			return m.draw(rng, i)
		}
		step := reach * min(m.length[i], 1) * rng.NormFloat64()
		if size := m.c.dims[i].Size(); size > 1 { // at least to the next value
			e := m.c.even(i, u)
			next := m.c.bend(i, min(max(e+math.Copysign(1/float64(size), step), 0), 1))
			if math.Abs(step) < math.Abs(next-u) {
				step = next - u
			}
		}
		return m.c.snap(i, min(max(u+step, m.lo[i]), m.hi[i]))
	})
	return x
}

// climb improves a point.
func (m *maximizer) climb(rng *rand.Rand, s prospect, steps int) prospect {
	for range 4 {
		if m.left <= 0 {
			break
		}
		before := s.v
		s = m.along(s, steps)
		s = m.sweep(rng, s)
		if s.v-before < 1e-3 {
			break
		}
	}
	return s
}

// along follows the gradient.
func (m *maximizer) along(s prospect, steps int) prospect {
	var dims []int
	var lo, hi, u []float64
	for i, v := range s.x {
		if v == v && m.smooth[i] && !m.p.cat[i] {
			dims, lo, hi, u = append(dims, i), append(lo, min(m.lo[i], v)), append(hi, max(m.hi[i], v)), append(u, v)
		}
	}
	if len(dims) == 0 {
		return s
	}
	x := slices.Clone(s.x)
	put := func(u []float64) {
		for j, i := range dims {
			x[i] = u[j]
		}
	}
	v := lbfgs{lo: lo, hi: hi, steps: steps, enough: 1e-4}.minimize(u, func(u, g []float64) float64 {
		put(u)
		m.left -= 2
		v := m.p.gradient(x, dims, g)
		for i := range g {
			g[i] = -g[i]
		}
		return -v
	})
	put(u)
	rounded := false
	for _, i := range dims {
		if !m.exact[i] {
			x[i], rounded = m.c.snap(i, x[i]), true
		}
	}
	if v = -v; rounded {
		v = m.value(x)
	}
	if v > s.v && !m.tried.has(x) && m.holds(x) {
		return prospect{x, v}
	}
	return s
}

// sweep moves to the best neighbour along each discrete parameter in turn, for
// as long as that helps and there is work left.
func (m *maximizer) sweep(rng *rand.Rand, s prospect) prospect {
	better := true
	for n := 0; better && n < mostSweeps; n++ {
		better = false
		for i := range s.x {
			if pin := m.within.pins[i]; s.x[i] != s.x[i] || m.exact[i] || pin == pin {
				continue
			}
			for _, u := range m.neighbours(i, s.x[i]) {
				x := make([]float64, len(s.x))
				m.c.fill(x, func(k int) float64 {
					if k == i {
						return u
					}
					if v := s.x[k]; v == v {
						return v
					}
					return m.draw(rng, k)
				})
				if m.tried.has(x) || !m.holds(x) {
					continue
				}
				if m.left <= 0 {
					return s
				}
				if v := m.value(x); v > s.v+1e-9 {
					s, better = prospect{x, v}, true
				}
			}
		}
	}
	return s
}

// neighbours are other coordinates along a discrete parameter.
func (m *maximizer) neighbours(i int, u float64) []float64 {
	d := m.c.dims[i]
	size := d.Size()
	var out []float64
	from := u
	u = m.c.even(i, u)
	add := func(v float64) {
		if v >= 0 && v <= 1 {
			if v = m.c.bend(i, snap(d, v)); v != from && (m.p.cat[i] || v >= m.lo[i] && v <= m.hi[i]) && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	if size <= mostNeighbours || m.p.cat[i] {
		for j := range size {
			if d.Kind == search.KindChoice || !d.Log {
				add((float64(j) + .5) / float64(size))
			} else if v, err := d.Encode(d.Nth(j)); err == nil {
				add(v)
			}
		}
		return out
	}
	if d.Log {
		x, _ := search.Number(d.Decode(u))
		step := max(d.Step, 1)
		for _, v := range []any{x - step, x + step} {
			if d.Kind == search.KindInt {
				v = int(v.(float64))
			}
			if w, err := d.Encode(v); err == nil && math.Abs(w-u) >= leastStep {
				add(w)
			}
		}
	}
	for _, step := range []float64{1 / float64(size), .02, .1} {
		if step >= leastStep {
			add(u - step)
			add(u + step)
		}
	}
	return out
}

// close reports whether two points are nearly the same.
func (m *maximizer) close(x, y []float64) bool {
	sum := 0.0
	for i, w := range m.p.weight {
		sum += w * m.p.square(i, x[i], y[i])
	}
	return sum < 1e-6
}

// near reports whether a point is nearly one that the process has seen.
func (p *posterior) near(x []float64) bool {
	for j := range p.alpha {
		same := true
		for i, v := range x {
			if w := p.columns[i][j]; (w != w) != (v != v) || math.Abs(v-w) > nearly {
				same = false
				break
			}
		}
		if same {
			return true
		}
	}
	return false
}
