package hpo

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// lbfgs minimises a function over a box by limited-memory BFGS (Liu & Nocedal
// 1989) with projected steps: coordinates at a bound from which the function
// does not lead away stay there (Bertsekas 1982). It begins at x, leaves the
// best point there and returns its value. f returns the value at a point and
// writes the gradient.
type lbfgs struct {
	lo, hi []float64
	steps  int     // at most
	enough float64 // a step that gains less is the last
}

const lbfgsMemory = 8

func (o lbfgs) minimize(x []float64, f func(x, gradient []float64) float64) float64 {
	n := len(x)
	room := make([]float64, 5*n)
	g, dir, next, nextG, free := room[:n], room[n:2*n], room[2*n:3*n], room[3*n:4*n], room[4*n:]
	o.project(x)
	fx := f(x, g)
	var s, y [][]float64
	var rho []float64
	for range o.steps {
		for i := range x { // 0 where the box holds the coordinate
			free[i] = 1
			if x[i] <= o.lo[i] && g[i] >= 0 || x[i] >= o.hi[i] && g[i] <= 0 {
				free[i] = 0
			}
			dir[i] = -g[i] * free[i]
		}
		steepest := floats.Norm(dir, math.Inf(1))
		if !(steepest > 1e-12) {
			break
		}
		twoLoops(dir, s, y, rho)
		slope := 0.0
		for i := range dir {
			dir[i] *= free[i]
			slope += dir[i] * g[i]
		}
		if !(slope < 0) { // no descent: forget the curvature
			s, y, rho = nil, nil, nil
			slope = 0
			for i := range dir {
				dir[i] = -g[i] * free[i]
				slope += dir[i] * g[i]
			}
		}
		t := 1.0
		if len(s) == 0 {
			t = min(1, .1/steepest)
		}
		accepted, fn := false, 0.0
		for range 12 {
			for i := range x {
				next[i] = min(max(x[i]+t*dir[i], o.lo[i]), o.hi[i])
			}
			fn = f(next, nextG)
			if fn <= fx+1e-4*t*slope {
				accepted = true
				break
			}
			t *= .3
		}
		if !accepted {
			if len(s) == 0 {
				break
			}
			s, y, rho = nil, nil, nil
			continue
		}
		ds, dy := make([]float64, n), make([]float64, n)
		floats.SubTo(ds, next, x)
		floats.SubTo(dy, nextG, g)
		if sy := floats.Dot(ds, dy); sy > 1e-10*floats.Dot(dy, dy) {
			if len(s) == lbfgsMemory {
				s, y, rho = s[1:], y[1:], rho[1:]
			}
			s, y, rho = append(s, ds), append(y, dy), append(rho, 1/sy)
		}
		gain := fx - fn
		copy(x, next)
		copy(g, nextG)
		fx = fn
		if gain < o.enough {
			break
		}
	}
	return fx
}

func (o lbfgs) project(x []float64) {
	for i := range x {
		x[i] = min(max(x[i], o.lo[i]), o.hi[i])
	}
}

// twoLoops multiplies a vector by the inverse Hessian of the last steps.
func twoLoops(v []float64, s, y [][]float64, rho []float64) {
	var a [lbfgsMemory]float64
	for k := len(s) - 1; k >= 0; k-- {
		a[k] = rho[k] * floats.Dot(s[k], v)
		floats.AddScaled(v, -a[k], y[k])
	}
	if k := len(s) - 1; k >= 0 {
		floats.Scale(1/(rho[k]*floats.Dot(y[k], y[k])), v)
	}
	for k := range s {
		floats.AddScaled(v, a[k]-rho[k]*floats.Dot(y[k], v), s[k])
	}
}
