package hpo

import (
	"math"

	"budwood/search"
)

// metric says how far two points of a cube are apart along each parameter. The
// squares of these distances are those of points in a Euclidean space, so that
// a Matérn function of their weighted sum is a proper kernel, for mixed spaces
// and for branches too:
//
//   - numbers and ordinals: the difference of their coordinates;
//   - categories: 1 if they differ (Hamming distance);
//   - a parameter that only one of the points has: a constant apart from the
//     middle of its range, as on the second axis of an arc or wedge kernel
//     (Swersky et al. 2014; Horn et al. 2019). One that none has does not count,
//     so that the values in a branch matter only among the points of it.
type metric struct {
	cat   []bool // a parameter is categorical
	fixed []bool // it is in every branch: its coordinates are never NaN
}

func newMetric(c *cube) metric {
	m := metric{cat: make([]bool, len(c.dims)), fixed: c.always}
	for k, d := range c.dims {
		m.cat[k] = d.Kind == search.KindChoice && !d.Ordered
	}
	return m
}

// square is the squared distance of two coordinates of parameter k.
func (m metric) square(k int, a, b float64) float64 {
	d := a - b
	if d == d {
		if m.cat[k] {
			if d == 0 {
				return 0
			}
			return 1
		}
		return d * d
	}
	if a != a && b != b {
		return 0
	}
	if m.cat[k] {
		return .5
	}
	if a != a {
		a = b
	}
	return (a-.5)*(a-.5) + .25
}

// kernel is k(x, x') = M(r) + p·Q(x, x') + g·[x is x'], relative to the variance
// of the process: Matérn-5/2 with a length scale a parameter (ARD), a quadratic
// polynomial of the numbers that every point has, which finds a bowl at any angle
// from few points, and the noise.
type kernel struct {
	metric
	weight  []float64 // 1/l² of each parameter
	poly    float64   // p
	noise   float64   // g
	numbers []int     // parameters of Q
	scale   float64   // of Q: Q(x, x) is 1 for a typical point
	bent    []int     // parameters whose scale may be bent (see warp)
}

// matern is (1 + √5 r + 5r²/3) exp(−√5 r), and its derivative by r².
func matern(r2 float64) (k, slope float64) {
	s := math.Sqrt(5 * r2)
	e := math.Exp(-s)
	return (1 + s + s*s/3) * e, -5. / 6 * (1 + s) * e
}

// newKernel is the kernel of a cube without its hyperparameters.
func newKernel(c *cube) kernel {
	k := kernel{metric: newMetric(c), weight: make([]float64, len(c.dims))}
	for i := range c.dims {
		if k.fixed[i] && !k.cat[i] {
			k.numbers = append(k.numbers, i)
		}
	}
	k.scale = 1 / (1 + float64(len(k.numbers))/3)
	return k
}

// set takes hyperparameters.
func (k *kernel) set(h hyper) {
	for i, l := range h.length {
		k.weight[i] = 1 / (l * l)
	}
	k.noise, k.poly = h.noise, h.poly
}

// bowl is Q(x, x') of the products of centred coordinates, and its derivative by
// their sum.
func (k *kernel) bowl(dot float64) (q, slope float64) {
	v := (1 + 4*dot) * k.scale
	return v * v, 8 * v * k.scale
}

// at is k(x, x) without noise.
func (k *kernel) at(x []float64) float64 {
	if k.poly == 0 {
		return 1
	}
	dot := 0.0
	for _, i := range k.numbers {
		dot += (x[i] - .5) * (x[i] - .5)
	}
	q, _ := k.bowl(dot)
	return 1 + k.poly*q
}

// apart writes, for each of the points given by columns (a parameter each), the
// weighted squared distance from x and the product of the centred numbers.
func (k *kernel) apart(x []float64, columns [][]float64, r2, dot []float64) {
	clear(r2)
	for i, w := range k.weight {
		col, u := columns[i][:len(r2)], x[i]
		if k.fixed[i] && !k.cat[i] {
			for j, v := range col {
				d := u - v
				r2[j] += w * (d * d)
			}
			continue
		}
		for j, v := range col {
			r2[j] += w * k.square(i, u, v)
		}
	}
	if k.poly == 0 {
		return
	}
	clear(dot)
	for _, i := range k.numbers {
		u := x[i] - .5
		for j, v := range columns[i][:len(dot)] {
			dot[j] += u * (v - .5)
		}
	}
}

// row writes k(x, x_j) over the distances; the products stay.
func (k *kernel) row(x []float64, columns [][]float64, out, dot []float64) {
	k.apart(x, columns, out, dot)
	for j, r2 := range out {
		out[j], _ = matern(r2)
	}
	if k.poly > 0 {
		for j, v := range dot {
			q, _ := k.bowl(v)
			out[j] += k.poly * q
		}
	}
}
