package main

import (
	"cmp"
	"slices"
)

// point is a place and the value of the function there.
type point struct {
	x []float64
	f float64
}

// minimize finds a minimum of f near x by the method of Nelder and Mead (1965) with
// their coefficients, from a simplex of the given size. It ends after so many
// evaluations, or when the corners differ by less than tolerance.
func minimize(f func([]float64) float64, x []float64, size, tolerance float64, evaluations int) point {
	n := len(x)
	at := func(x []float64) point {
		evaluations--
		return point{x, f(x)}
	}
	simplex := []point{at(slices.Clone(x))}
	for i := range n {
		y := slices.Clone(x)
		y[i] += size
		simplex = append(simplex, at(y))
	}
	// along is the point at c + s·(c − worst), where c is the middle of all but the worst.
	along := func(s float64) point {
		y := make([]float64, n)
		for i := range y {
			for _, p := range simplex[:n] {
				y[i] += p.x[i] / float64(n)
			}
			y[i] += s * (y[i] - simplex[n].x[i])
		}
		return at(y)
	}
	for {
		slices.SortStableFunc(simplex, func(a, b point) int { return cmp.Compare(a.f, b.f) })
		if evaluations <= 0 || simplex[n].f-simplex[0].f < tolerance {
			return simplex[0]
		}
		p := along(1)
		switch {
		case p.f < simplex[0].f:
			if q := along(2); q.f < p.f {
				p = q
			}
			simplex[n] = p
		case p.f < simplex[n-1].f:
			simplex[n] = p
		default:
			s := -.5
			if p.f < simplex[n].f {
				s = .5
			}
			if q := along(s); q.f < min(p.f, simplex[n].f) {
				simplex[n] = q
				continue
			}
			for i := range simplex[1:] {
				y := simplex[i+1].x
				for j := range y {
					y[j] = (y[j] + simplex[0].x[j]) / 2
				}
				simplex[i+1] = at(y)
			}
		}
	}
}
