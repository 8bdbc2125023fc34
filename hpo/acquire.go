package hpo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// acquisition looks for the point of the largest expected improvement: points
// drawn from the prior and near the best trials are compared, and the best of
// them climb, by their gradient along what is continuous and by trying the
// neighbours along what is not.
type acquisition struct {
	c      *cube
	p      *promise
	tried  *triedSet
	lo, hi []float64 // of the region, by parameter; not for categories
	within stratum
	length []float64

	smooth []bool // the parameter is climbed by gradient
	exact  []bool // and any value of it is allowed
}

// prospect is a vector and its log expected improvement.
type prospect struct {
	x []float64
	v float64
}

// A number of more values than this is climbed as if it were continuous, and
// rounded then.
const mostNeighbours = 12

func newAcquisition(c *cube, p *promise, tried *triedSet, length []float64) *acquisition {
	d := len(c.dims)
	a := &acquisition{c: c, p: p, within: stratum{missing(d)}, tried: tried, length: length, lo: make([]float64, d), hi: make([]float64, d), smooth: make([]bool, d), exact: make([]bool, d)}
	for k, dim := range c.dims {
		a.hi[k] = 1
		a.exact[k] = dim.Size() == 0
		a.smooth[k] = a.exact[k] || dim.Kind != search.KindChoice && dim.Size() > mostNeighbours
	}
	return a
}

// effort is how much is tried for a proposal.
type effort struct{ prior, near, climbs, steps int }

// propose is the best point found that was not tried, or nil. best are the
// vectors of the best trials, the very best first.
func (a *acquisition) propose(rng *rand.Rand, best [][]float64, e effort) []float64 {
	var pool []prospect
	add := func(x []float64) {
		if !a.tried.has(x) {
			pool = append(pool, prospect{x, a.p.improvement(x)})
		}
	}
	for range e.prior {
		x := make([]float64, len(a.c.dims))
		a.c.fill(x, func(i int) float64 { return a.draw(rng, i) })
		add(x)
	}
	for i := range e.near {
		if len(best) == 0 {
			break
		}
		add(a.mutate(rng, best[i%len(best)]))
	}
	slices.SortStableFunc(pool, func(x, y prospect) int { return cmp.Compare(y.v, x.v) })
	var found []prospect
	for _, s := range pool {
		if len(found) == e.climbs {
			break
		}
		if !slices.ContainsFunc(found, func(f prospect) bool { return a.close(f.x, s.x) }) {
			found = append(found, s)
		}
	}
	for i := range found {
		found[i] = a.climb(rng, found[i], e.steps)
	}
	found = append(found, pool[:min(len(pool), 1)]...)
	slices.SortStableFunc(found, func(x, y prospect) int { return cmp.Compare(y.v, x.v) })
	for _, f := range found {
		if !a.tried.has(f.x) && !a.p.near(f.x) {
			return f.x
		}
	}
	for _, s := range pool {
		if !a.p.near(s.x) {
			return s.x
		}
	}
	return nil
}

// draw is a coordinate of the region.
func (a *acquisition) draw(rng *rand.Rand, i int) float64 {
	if v := a.within.pins[i]; v == v {
		return v
	}
	u := rng.Float64()
	if !a.p.cat[i] {
		u = a.lo[i] + u*(a.hi[i]-a.lo[i])
	}
	return a.c.snap(i, u)
}

// mutate moves some coordinates of a point, by steps of many sizes; a changed
// choice draws the parameters of its branch.
func (a *acquisition) mutate(rng *rand.Rand, from []float64) []float64 {
	x := make([]float64, len(from))
	share := math.Pow(float64(len(from)), -rng.Float64()) // from all of them to one
	size := .5 * math.Pow(10, -3*rng.Float64())
	a.c.fill(x, func(i int) float64 {
		u := from[i]
		if pin := a.within.pins[i]; u != u || pin == pin {
			return a.draw(rng, i)
		}
		if rng.Float64() >= share {
			return u
		}
		if a.p.cat[i] {
			return a.draw(rng, i)
		}
		step := size * min(a.length[i], 1) * rng.NormFloat64()
		if m := a.c.dims[i].Size(); m > 1 { // at least to the next value
			e := a.c.even(i, u)
			next := a.c.bend(i, min(max(e+math.Copysign(1/float64(m), step), 0), 1))
			if math.Abs(step) < math.Abs(next-u) {
				step = next - u
			}
		}
		return a.c.snap(i, min(max(u+step, a.lo[i]), a.hi[i]))
	})
	return x
}

// climb improves a point.
func (a *acquisition) climb(rng *rand.Rand, s prospect, steps int) prospect {
	for range 4 {
		before := s.v
		s = a.along(s, steps)
		s = a.sweep(rng, s)
		if s.v-before < 1e-3 {
			break
		}
	}
	return s
}

// along follows the gradient.
func (a *acquisition) along(s prospect, steps int) prospect {
	var dims []int
	var lo, hi, u []float64
	for i, v := range s.x {
		if v == v && a.smooth[i] && !a.p.cat[i] {
			dims, lo, hi, u = append(dims, i), append(lo, min(a.lo[i], v)), append(hi, max(a.hi[i], v)), append(u, v)
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
		v := a.p.climb(x, dims, g)
		for i := range g {
			g[i] = -g[i]
		}
		return -v
	})
	put(u)
	rounded := false
	for _, i := range dims {
		if !a.exact[i] {
			x[i], rounded = a.c.snap(i, x[i]), true
		}
	}
	if v = -v; rounded {
		v = a.p.improvement(x)
	}
	if v > s.v && !a.tried.has(x) {
		return prospect{x, v}
	}
	return s
}

// sweep moves to the best neighbour along each discrete parameter in turn, for
// as long as that helps.
func (a *acquisition) sweep(rng *rand.Rand, s prospect) prospect {
	for better := true; better; {
		better = false
		for i := range s.x {
			if pin := a.within.pins[i]; s.x[i] != s.x[i] || a.exact[i] || pin == pin {
				continue
			}
			for _, u := range a.neighbours(i, s.x[i]) {
				x := make([]float64, len(s.x))
				a.c.fill(x, func(k int) float64 {
					if k == i {
						return u
					}
					if v := s.x[k]; v == v {
						return v
					}
					return a.draw(rng, k)
				})
				if a.tried.has(x) {
					continue
				}
				if v := a.p.improvement(x); v > s.v+1e-9 {
					s, better = prospect{x, v}, true
				}
			}
		}
	}
	return s
}

// neighbours are other coordinates along a discrete parameter.
func (a *acquisition) neighbours(i int, u float64) []float64 {
	d := a.c.dims[i]
	m := d.Size()
	var out []float64
	from := u
	u = a.c.even(i, u)
	add := func(v float64) {
		if v >= 0 && v <= 1 {
			if v = a.c.bend(i, snap(d, v)); v != from && (a.p.cat[i] || v >= a.lo[i] && v <= a.hi[i]) && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	if m <= mostNeighbours || a.p.cat[i] {
		for j := range m {
			if d.Kind == search.KindChoice || !d.Log {
				add((float64(j) + .5) / float64(m))
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
			if w, err := d.Encode(v); err == nil {
				add(w)
			}
		}
	}
	for _, step := range []float64{1 / float64(m), .02, .1} {
		add(u - step)
		add(u + step)
	}
	return out
}

// close tells whether two points are nearly the same.
func (a *acquisition) close(x, y []float64) bool {
	sum := 0.0
	for i, w := range a.p.weight {
		sum += w * a.p.square(i, x[i], y[i])
	}
	return sum < 1e-6
}

// near tells whether a point is, but for rounding, one that the process has seen.
func (p *posterior) near(x []float64) bool {
	for j := range p.alpha {
		same := true
		for i, v := range x {
			if w := p.columns[i][j]; w == w != (v == v) || math.Abs(v-w) > 1e-9 {
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
