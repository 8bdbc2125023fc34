package hpo

import (
	"math"
	"math/rand/v2"

	"budwood/search"
)

// mutant is a point near another one: one coordinate, and each of the others
// with a probability of 1/D, moves; what exists only now is drawn from the
// prior.
func (c *cube) mutant(rng *rand.Rand, from []float64) []float64 {
	var open []int
	for i, u := range from {
		if u == u && c.dims[i].Size() != 1 {
			open = append(open, i)
		}
	}
	x := make([]float64, len(from))
	if len(open) == 0 {
		c.fill(x, func(i int) float64 { return snap(c.dims[i], rng.Float64()) })
		return x
	}
	sure := open[rng.IntN(len(open))]
	c.fill(x, func(i int) float64 {
		u := from[i]
		move := i == sure || rng.Float64()*float64(len(open)) < 1
		switch {
		case u != u:
			return snap(c.dims[i], rng.Float64())
		case move:
			return step(rng, c.dims[i], u)
		}
		return u
	})
	return x
}

// step moves a coordinate: to another option, or, for a number, by the
// polynomial mutation of Deb & Goyal (1996) with η = 20, to another value.
func step(rng *rand.Rand, d *search.Dim, u float64) float64 {
	const eta = 20
	n := d.Size()
	if n == 1 {
		return u
	}
	if d.Kind == search.KindChoice && !d.Ordered {
		k := rng.IntN(n - 1)
		if k >= cell(u, n) {
			k++
		}
		return (float64(k) + .5) / float64(n)
	}
	r := rng.Float64()
	var delta float64
	if r < .5 {
		delta = math.Pow(2*r+(1-2*r)*math.Pow(1-u, eta+1), 1./(eta+1)) - 1
	} else {
		delta = 1 - math.Pow(2*(1-r)+(2*r-1)*math.Pow(u, eta+1), 1./(eta+1))
	}
	to := snap(d, min(max(u+delta, 0), 1))
	if to == u && n > 0 { // to the next value at least
		e := cellsOf(d)
		k := e.cell(u)
		if k == 0 || k < n-1 && rng.IntN(2) == 0 {
			k++
		} else {
			k--
		}
		to, _ = d.Encode(d.Nth(k))
	}
	return to
}

// crossed is a point between two: numbers by simulated binary crossover (Deb &
// Agrawal 1995) with η = 15, options from one of the two.
func (c *cube) crossed(rng *rand.Rand, a, b []float64) []float64 {
	const eta = 15
	x := make([]float64, len(a))
	c.fill(x, func(i int) float64 {
		u, v := a[i], b[i]
		if rng.IntN(2) == 0 {
			u, v = v, u
		}
		d := c.dims[i]
		switch {
		case u != u && v != v:
			return snap(d, rng.Float64())
		case u != u:
			return v
		case v != v || d.Kind == search.KindChoice && !d.Ordered || rng.IntN(2) == 0:
			return u
		}
		r := rng.Float64()
		beta := math.Pow(2*r, 1./(eta+1))
		if r >= .5 {
			beta = math.Pow(1/(2-2*r), 1./(eta+1))
		}
		return snap(d, min(max(.5*((1+beta)*u+(1-beta)*v), 0), 1))
	})
	return x
}
