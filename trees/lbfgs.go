package trees

import "math"

// minimise brings x to a minimum of a smooth convex function, by L-BFGS with ten pairs (Nocedal & Wright 2006,
// algorithms 7.4 and 7.5) and steps that are halved until the function falls enough. f sets the gradient.
func minimise(x []float64, steps int, f func(x, gradient []float64) float64) {
	const pairs = 10
	n := len(x)
	type pair struct {
		s, y []float64
		rho  float64
	}
	var past []pair
	g, next, ng, d := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	value := f(x, g)
	dot := func(a, b []float64) (sum float64) {
		for i, v := range a {
			sum += v * b[i]
		}
		return sum
	}
	for step := range steps {
		if most := norm(g); most < 1e-7 || most != most {
			return
		}
		copy(d, g)
		alpha := make([]float64, len(past))
		for i := len(past) - 1; i >= 0; i-- {
			alpha[i] = past[i].rho * dot(past[i].s, d)
			for j, v := range past[i].y {
				d[j] -= alpha[i] * v
			}
		}
		if k := len(past); k > 0 {
			by := 1 / (past[k-1].rho * dot(past[k-1].y, past[k-1].y))
			for j := range d {
				d[j] *= by
			}
		}
		for i, p := range past {
			beta := p.rho * dot(p.y, d)
			for j, v := range p.s {
				d[j] += (alpha[i] - beta) * v
			}
		}
		slope := dot(g, d)
		if !(slope > 0) { // not a direction of descent
			copy(d, g)
			slope, past = dot(g, g), nil
		}
		t := 1.
		if step == 0 {
			t = min(1, 1/math.Sqrt(slope))
		}
		fell := false
		for range 30 {
			for j := range x {
				next[j] = x[j] - t*d[j]
			}
			v := f(next, ng)
			if v <= value-1e-4*t*slope {
				fell = value-v > 1e-12*math.Abs(value)
				value = v
				break
			}
			t /= 2
			if t < 1e-9 {
				return
			}
		}
		p := pair{make([]float64, n), make([]float64, n), 0}
		for j := range x {
			p.s[j], p.y[j] = next[j]-x[j], ng[j]-g[j]
		}
		copy(x, next)
		copy(g, ng)
		if sy := dot(p.s, p.y); sy > 1e-14 {
			p.rho = 1 / sy
			if past = append(past, p); len(past) > pairs {
				past = past[1:]
			}
		}
		if !fell {
			return
		}
	}
}

// norm is the largest absolute value.
func norm(x []float64) (most float64) {
	for _, v := range x {
		if v != v {
			return v
		}
		most = max(most, math.Abs(v))
	}
	return most
}
