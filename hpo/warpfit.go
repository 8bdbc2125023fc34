package hpo

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// Scales are bent from so many trials on, and where that is worth warpCost nats of
// posterior density: log a and log b of each parameter have normal priors around
// 0, at which the scale is even (Snoek et al. 2014, Section 3.1).
const (
	warpFrom   = 10
	warpCost   = 2.
	warpSpread = .3
	mostWarp   = 10.
)

// bend goes on from the best θ of even scales and is what it finds, or even if that
// is not worth it.
func (f *fitting) bend(k kernel, points [][]float64, theta []float64, steps int, even hyper) hyper {
	before := f.value(theta, make([]float64, len(theta)))
	f.bending = newBending(k, points)
	theta = append(theta, make([]float64, 2*len(k.bent))...)
	lo, hi := f.bounds()
	if v := (lbfgs{lo: lo, hi: hi, steps: steps, enough: 1e-2}).minimize(theta, f.value); v+warpCost < before {
		return f.hyper(theta, even.delta)
	}
	return even
}

// bending is the part of a fit that bends scales.
type bending struct {
	kernel
	which  []int       // the parameters
	x      [][]float64 // even coordinates of the points, by parameter of all
	w      [][]float64 // and bent ones
	room   []float64   // a number a pair
	bow    []float64   // slope of the bowl, of pairs
	bowOwn []float64   // and of points
}

func newBending(k kernel, points [][]float64) *bending {
	n := len(points)
	b := &bending{kernel: k, which: k.bent, room: make([]float64, n*(n-1)/2)}
	for i := range k.weight {
		col := make([]float64, n)
		for j, x := range points {
			col[j] = x[i]
		}
		b.x, b.w = append(b.x, col), append(b.w, append([]float64(nil), col...))
	}
	if len(k.numbers) > 0 {
		b.bow, b.bowOwn = make([]float64, n*(n-1)/2), make([]float64, n)
	}
	return b
}

// warps are those of the parameters, of log a and log b of each.
func (b *bending) warps(theta []float64) []warp {
	out := make([]warp, len(b.which))
	for j := range out {
		out[j] = warp{math.Exp(theta[2*j]), math.Exp(theta[2*j+1])}
	}
	return out
}

// apply writes the distances and products of the bent coordinates.
func (b *bending) apply(f *fitting, theta []float64) {
	for j, w := range b.warps(theta) {
		i := b.which[j]
		col := b.w[i]
		for k, u := range b.x[i] {
			col[k] = w.at(u)
		}
		at := 0
		for k, u := range col {
			for _, v := range col[:k] {
				f.square[i][at] = b.square(i, u, v)
				at++
			}
		}
	}
	if !f.withPoly {
		return
	}
	clear(f.bowl)
	clear(f.bowlDiag)
	for _, i := range b.numbers {
		col, at := b.w[i], 0
		for k, u := range col {
			u -= .5
			f.bowlDiag[k] += u * u
			for j, v := range col[:k] {
				f.bowl[at+j] += u * (v - .5)
			}
			at += k
		}
	}
	for j, dot := range f.bowl {
		f.bowl[j], b.bow[j] = b.bowl(dot)
	}
	for j, dot := range f.bowlDiag {
		f.bowlDiag[j], b.bowOwn[j] = b.bowl(dot)
	}
}

// slopes writes the gradient by log a and log b: below and diag are W.
func (b *bending) slopes(f *fitting, theta, below, diag []float64, poly float64, gradient []float64) {
	n := len(diag)
	byW := make([]float64, n) // of a parameter's bent coordinates
	for j, w := range b.warps(f.bent(theta)) {
		i := b.which[j]
		col := b.w[i]
		clear(byW)
		scale, at := 2*math.Exp(-2*theta[i]), 0
		for k, u := range col {
			sum := 0.
			for l, v := range col[:k] {
				m := scale * below[at+l] * f.slope[at+l]
				switch d := u - v; {
				case d == d:
					sum += m * d
					byW[l] -= m * d
				case u == u:
					sum += m * (u - .5)
				case v == v:
					byW[l] += m * (v - .5)
				}
			}
			byW[k] += sum
			at += k
		}
		if f.withPoly && b.fixed[i] {
			copy(b.room, b.bow)
			floats.Mul(b.room, below)
			at = 0
			for k, u := range col {
				u -= .5
				sum := diag[k] * b.bowOwn[k] * u
				for l, v := range col[:k] {
					m := b.room[at+l]
					sum += m * (v - .5)
					byW[l] += poly * m * u
				}
				byW[k] += poly * sum
				at += k
			}
		}
		gradient[2*j], gradient[2*j+1] = 0, 0
		for k, x := range b.x[i] {
			if x == x {
				a, c := w.slopes(x)
				gradient[2*j] += byW[k] * a
				gradient[2*j+1] += byW[k] * c
			}
		}
	}
}
