package hpo

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// The symbols of a prediction at a point x; gp.go has those of the process.
//
//	symbol  here     shape  meaning
//	k       k        n      k(x, X), without noise; squared distances before that
//	        dot      n      ⟨x − ½, X − ½⟩ over the numbers, and then p·dQ/dt
//	        slope    n      dM/dr² at the points
//	v       v        n      L⁻¹k, K = L·Lᵀ: σ² = s²(k(x,x) − vᵀv)
//	b       b        n      K⁻¹k, and then what the gradient weighs each point with
//	μ(X)    means    n      predicted means at the points, those of running trials too

// posterior is a Gaussian process that has seen points. Its methods use room of its
// own: it serves one goroutine at a time.
type posterior struct {
	kernel
	columns        [][]float64 // coordinates of the points: D×n
	f              cholesky    // of K, n×n
	alpha          []float64
	mean, variance float64
	means          []float64
	best           float64 // the least of means, on which to improve

	k, dot, slope, v, b []float64 // room
}

// newPosterior takes points and their transformed losses. known is a factor for
// the same kernel; its rows are used as far as the points are the same.
func newPosterior(k kernel, points [][]float64, y []float64, known cholesky) *posterior {
	p := &posterior{kernel: k, f: known, columns: make([][]float64, len(k.weight))}
	for i := range p.columns {
		p.columns[i] = make([]float64, len(points), len(points)+16)
		for j, x := range points {
			p.columns[i][j] = x[i]
		}
	}
	p.grow(len(points) + 16)
	for j := len(known.l); j < len(points); j++ {
		p.push(points[j], j)
	}
	p.alpha, p.variance, p.mean = weigh(&p.f, y)
	p.means = make([]float64, len(y), len(y)+16)
	for j, a := range p.alpha { // the mean at a point is its value less its noise
		p.means[j] = y[j] - p.noise*a
	}
	p.best = slices.Min(p.means)
	return p
}

// grow makes room for n points.
func (p *posterior) grow(n int) {
	room := make([]float64, 5*n)
	p.k, p.dot, p.slope, p.v, p.b = room[:n], room[n:2*n], room[2*n:3*n], room[3*n:4*n], room[4*n:]
}

// push grows the factor by a point that comes after the first n.
func (p *posterior) push(x []float64, n int) {
	p.row(x, p.columns, p.k[:n], p.dot[:n])
	p.f.push(p.k[:n], p.at(x)+p.noise)
}

// believe adds a point at which a trial runs, with the loss that is expected
// there (kriging believer, Ginsbourger et al. 2010): the mean stays as it is.
func (p *posterior) believe(x []float64) {
	mean := p.predictMean(x)
	p.know(x)
	p.means, p.best = append(p.means, mean), min(p.best, mean)
}

// know makes the process certain at a point: the mean stays as it is.
func (p *posterior) know(x []float64) {
	n := len(p.alpha)
	if n == len(p.k) {
		p.grow(2*n + 16)
	}
	p.push(x, n)
	for i := range p.columns {
		p.columns[i] = append(p.columns[i], x[i])
	}
	p.alpha = append(p.alpha, 0)
}

// predictMean is μ(x).
func (p *posterior) predictMean(x []float64) float64 {
	n := len(p.alpha)
	p.row(x, p.columns, p.k[:n], p.dot[:n])
	return p.mean + floats.Dot(p.k[:n], p.alpha)
}

// predict is the mean and the standard deviation at a point, of transformed losses.
func (p *posterior) predict(x []float64) (mu, sigma float64) {
	n := len(p.alpha)
	mu = p.predictMean(x)
	p.f.half(p.k[:n], p.v[:n])
	return mu, p.deviation(x, n)
}

// deviation is σ(x); p.v must hold L⁻¹k.
func (p *posterior) deviation(x []float64, n int) float64 {
	at := p.at(x)
	left := max(at-floats.Dot(p.v[:n], p.v[:n]), 1e-12*at)
	return math.Sqrt(p.variance * left)
}

// approach is predict that leaves what slopes needs.
func (p *posterior) approach(x []float64) (mu, sigma float64) {
	n := len(p.alpha)
	k, dot, slope, v := p.k[:n], p.dot[:n], p.slope[:n], p.v[:n]
	p.apart(x, p.columns, k, dot)
	for j, r2 := range k {
		k[j], slope[j] = matern(r2)
	}
	if p.poly > 0 {
		for j, t := range dot {
			var q float64
			q, dot[j] = p.bowl(t)
			k[j] += p.poly * q
			dot[j] *= p.poly
		}
	}
	mu = p.mean + floats.Dot(k, p.alpha)
	p.f.half(k, v)
	return mu, p.deviation(x, n)
}

// slopes adds to a gradient, along the parameters listed, that of what has the
// derivatives byMu and bySigma at the point approached last.
func (p *posterior) slopes(x []float64, along []int, sigma, byMu, bySigma float64, gradient []float64) {
	n := len(p.alpha)
	dot, b := p.dot[:n], p.b[:n]
	p.f.other(p.v[:n], b)

	// ∂σ = −s² bᵀ∂k/σ (+ the part of k(x, x) itself), b = K⁻¹k.
	bySigma *= p.variance / sigma
	for j := range b {
		b[j] = byMu*p.alpha[j] - bySigma*b[j]
	}
	own := 0.0
	if p.poly > 0 {
		for _, i := range p.numbers {
			own += (x[i] - .5) * (x[i] - .5)
		}
		_, own = p.bowl(own)
		own *= bySigma * p.poly
		floats.Mul(dot, b)
	}
	floats.Mul(b, p.slope[:n])
	for g, i := range along {
		sum, w, u := 0.0, 2*p.weight[i], x[i]
		col := p.columns[i][:n]
		for j, c := range col {
			if d := u - c; d == d {
				sum += b[j] * d
			} else {
				sum += b[j] * (u - .5)
			}
		}
		gradient[g] += w * sum
		if p.poly > 0 && p.fixed[i] {
			t := own * (u - .5)
			for j, c := range col {
				t += dot[j] * (c - .5)
			}
			gradient[g] += t
		}
	}
}
