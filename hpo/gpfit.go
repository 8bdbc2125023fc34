package hpo

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// hyper are the hyperparameters of a Gaussian process, but its mean and variance,
// which follow from them.
type hyper struct {
	length      []float64 // l of each parameter
	noise, poly float64
	delta       float64 // of the output
	warps       []warp  // of each parameter, nil: no scale is bent
}

const (
	leastNoise, mostNoise   = 1e-8, 3.
	leastPoly, mostPoly     = 1e-3, 100.
	leastLength, mostLength = .01, 300.
)

// Priors of the hyperparameters: normal distributions of log l_k, log g and log
// p. The mean of log l_k is ½ log D: distances grow with the dimension, and the
// process is to stay as smooth (Hvarfner et al. 2024). Its variance is one that
// all length scales have in common and one of their own, so that few trials do
// not pick out single parameters by chance. A stronger bend of the output and the polynomial
// must be worth some nats of posterior density: with few trials they would be
// chosen by chance.
const (
	lengthCommon, lengthOwn = 3., 1.
	noiseMode, noiseSpread  = 1e-4, 9.
	polyMode, polySpread    = .1, 4.
	bendCost, polyCost      = 1., 5.
)

// Steps of L-BFGS at most. With half of fitSteps the regret on the functions of
// hpo/bench is up to 6 % larger, with twice as many it is the same: most searches end
// before. A step takes time in proportion to the number of parameters, so there are
// half as many where these are many. refine begins near the optimum of a share of the
// trials.
const (
	fitSteps, fitStepsMany = 30, 15
	fitManyDims            = 40
	refineSteps            = 12
)

// fitting is the search for the hyperparameters of the largest posterior density
// (MAP) over log l_k, log g and log p. The mean is the generalised least-squares
// one and the variance s² the likeliest one (Rasmussen & Williams 2006, Sections
// 2.7 and 5.4.1).
type fitting struct {
	d          int         // number of length scales
	y          []float64   // transformed losses
	square     [][]float64 // of each parameter: the squared distances of all pairs i > j
	bowl       []float64   // Q of the pairs, nil if there is no number
	bowlDiag   []float64   // and of each point with itself
	k, slope   []float64   // room for the pairs
	lengthMean float64     // prior mean of log l_k
	withPoly   bool
	bending    *bending // nil: scales are left as they are
}

// fit finds the hyperparameters for points and their losses. dims is the mean
// number of parameters that a point has. Plain is without transformations of the losses
// and without the polynomial.
func fit(k kernel, points [][]float64, losses []float64, dims float64, plain bool) hyper {
	if len(points) > fitShare {
		h := fit(k, evenly(points, fitShare), evenly(losses, fitShare), dims, plain)
		return refine(k, points, losses, dims, h)
	}
	f := newFitting(k, points, dims)
	spread := spreadOf(slices.Sorted(slices.Values(losses)))
	steps := fitSteps
	if f.d > fitManyDims {
		steps = fitStepsMany
	}
	var best hyper
	var top []float64 // θ of the best
	least := math.Inf(1)
	poly := false
	shares := outputShares
	if plain {
		shares = shares[:1]
	}
	for _, f.withPoly = range []bool{false, true} {
		if f.withPoly && (f.bowl == nil || plain) {
			break
		}
		lo, hi := f.bounds()
		search := lbfgs{lo: lo, hi: hi, steps: steps, enough: 1e-2}
		theta := f.start(f.lengthMean)
		for i, share := range shares {
			o := newOutput(losses, share*spread)
			f.y = o.apply(losses)
			v := search.minimize(theta, f.value)
			if i == 0 { // another start, of shorter scales
				other := f.start(math.Log(.3))
				if w := search.minimize(other, f.value); w < v {
					v, theta = w, other
				}
			}
			v += bendCost*float64(i) - o.logSlope(losses)
			if f.withPoly {
				v += polyCost
			}
			if v < least || best.length == nil {
				least, best = v, f.hyper(theta, o.delta)
				top, poly = slices.Clone(theta), f.withPoly
			}
		}
	}
	if plain || len(k.bent) == 0 || len(points) < warpFrom {
		return best
	}
	f.withPoly, f.y = poly, newOutput(losses, best.delta).apply(losses)
	return f.bend(k, points, top, steps, best)
}

// Of more trials than fitShare, so many tell which transformations are worth it and
// where to begin; the search over all goes on from there.
const fitShare = 75

// refine goes on from hyperparameters that were found for a share of the points.
func refine(k kernel, points [][]float64, losses []float64, dims float64, h hyper) hyper {
	f := newFitting(k, points, dims)
	f.withPoly, f.y = h.poly > 0, newOutput(losses, h.delta).apply(losses)
	if h.warps != nil {
		f.bending = newBending(k, points)
	}
	theta := f.theta(h)
	lo, hi := f.bounds()
	lbfgs{lo: lo, hi: hi, steps: refineSteps, enough: 1e-2}.minimize(theta, f.value)
	return f.hyper(theta, h.delta)
}

func newFitting(k kernel, points [][]float64, dims float64) *fitting {
	n, d := len(points), len(k.weight)
	pairs := n * (n - 1) / 2
	f := &fitting{d: d, lengthMean: math.Log(max(dims, 1)) / 2, k: make([]float64, pairs), slope: make([]float64, pairs), square: make([][]float64, d)}
	for i := range f.square {
		f.square[i] = make([]float64, 0, pairs)
		for a := range points {
			for b := range a {
				f.square[i] = append(f.square[i], k.square(i, points[a][i], points[b][i]))
			}
		}
	}
	if len(k.numbers) == 0 {
		return f
	}
	f.bowl, f.bowlDiag = make([]float64, 0, pairs), make([]float64, n)
	for a := range points {
		for b := range a + 1 {
			dot := 0.0
			for _, i := range k.numbers {
				dot += (points[a][i] - .5) * (points[b][i] - .5)
			}
			q, _ := k.bowl(dot)
			if a == b {
				f.bowlDiag[a] = q
			} else {
				f.bowl = append(f.bowl, q)
			}
		}
	}
	return f
}

func (f *fitting) bounds() (lo, hi []float64) {
	for range f.d {
		lo, hi = append(lo, math.Log(leastLength)), append(hi, math.Log(mostLength))
	}
	lo, hi = append(lo, math.Log(leastNoise)), append(hi, math.Log(mostNoise))
	if f.withPoly {
		lo, hi = append(lo, math.Log(leastPoly)), append(hi, math.Log(mostPoly))
	}
	if f.bending != nil {
		for range 2 * len(f.bending.which) {
			lo, hi = append(lo, -math.Log(mostWarp)), append(hi, math.Log(mostWarp))
		}
	}
	return lo, hi
}

// bent is the part of θ that bends scales.
func (f *fitting) bent(theta []float64) []float64 {
	if f.bending == nil {
		return nil
	}
	return theta[len(theta)-2*len(f.bending.which):]
}

func (f *fitting) start(logLength float64) []float64 {
	lo, _ := f.bounds()
	theta := make([]float64, len(lo))
	for i := range f.d {
		theta[i] = logLength
	}
	theta[f.d] = math.Log(noiseMode)
	if f.withPoly {
		theta[f.d+1] = math.Log(polyMode)
	}
	return theta
}

// theta are the parameters of the search for hyperparameters, the reverse of hyper.
func (f *fitting) theta(h hyper) []float64 {
	theta := f.start(0)
	for i, l := range h.length {
		theta[i] = math.Log(l)
	}
	theta[f.d] = math.Log(h.noise)
	if f.withPoly {
		theta[f.d+1] = math.Log(h.poly)
	}
	if bent := f.bent(theta); bent != nil {
		for j, i := range f.bending.which {
			bent[2*j], bent[2*j+1] = math.Log(h.warps[i].a), math.Log(h.warps[i].b)
		}
	}
	return theta
}

func (f *fitting) hyper(theta []float64, delta float64) hyper {
	h := hyper{length: make([]float64, f.d), noise: math.Exp(theta[f.d]), delta: delta}
	for i := range h.length {
		h.length[i] = math.Exp(theta[i])
	}
	if f.withPoly {
		h.poly = math.Exp(theta[f.d+1])
	}
	if f.bending != nil {
		h.warps = make([]warp, f.d)
		for j, w := range f.bending.warps(f.bent(theta)) {
			h.warps[f.bending.which[j]] = w
		}
	}
	return h
}

// value is the negative logarithm of the posterior density, up to a constant,
// and its gradient.
func (f *fitting) value(theta, gradient []float64) float64 {
	n := len(f.y)
	noise, poly := math.Exp(theta[f.d]), 0.
	if f.withPoly {
		poly = math.Exp(theta[f.d+1])
	}
	if f.bending != nil {
		f.bending.apply(f, f.bent(theta))
	}
	kk := f.k // first of squared distances
	clear(kk)
	for i, sq := range f.square {
		floats.AddScaled(kk, math.Exp(-2*theta[i]), sq)
	}
	for j, r2 := range kk {
		kk[j], f.slope[j] = matern(r2)
	}
	if f.withPoly {
		floats.AddScaled(kk, poly, f.bowl)
	}
	var c cholesky
	for i := range n {
		diag := 1 + noise
		if f.withPoly {
			diag += poly * f.bowlDiag[i]
		}
		c.push(kk[i*(i-1)/2:][:i], diag)
	}
	r, s2, _ := weigh(&c, f.y)
	v := .5*float64(n+2)*math.Log(s2) + .5*c.logDet()

	// W = K⁻¹ − ααᵀ/s²; the derivative by θ is ½ tr(W ∂K/∂θ).
	below, diag := c.inverse()
	for i := range n {
		floats.AddScaled(below[i*(i-1)/2:][:i], -r[i]/s2, r[:i])
		diag[i] -= r[i] * r[i] / s2
	}
	if f.withPoly {
		gradient[f.d+1] = poly * (floats.Dot(below, f.bowl) + .5*floats.Dot(diag, f.bowlDiag))
	}
	gradient[f.d] = .5 * noise * floats.Sum(diag)
	if f.bending != nil {
		f.bending.slopes(f, theta, below, diag, poly, f.bent(gradient))
	}
	floats.Mul(below, f.slope)
	for i, sq := range f.square {
		gradient[i] = -2 * math.Exp(-2*theta[i]) * floats.Dot(below, sq)
	}

	prior := func(i int, mean, variance float64) {
		t := theta[i] - mean
		v += t * t / (2 * variance)
		gradient[i] += t / variance
	}
	sum := 0.0
	for i := range f.d {
		prior(i, f.lengthMean, lengthOwn)
		sum += theta[i] - f.lengthMean
	}
	// The inverse of τ²I + σ²11ᵀ (Sherman & Morrison 1950).
	shared := sum * lengthCommon / (lengthOwn * (lengthOwn + float64(f.d)*lengthCommon))
	v -= sum * shared / 2
	for i := range f.d {
		gradient[i] -= shared
	}
	prior(f.d, math.Log(noiseMode), noiseSpread)
	if f.withPoly {
		prior(f.d+1, math.Log(polyMode), polySpread)
	}
	for i := len(theta) - len(f.bent(theta)); i < len(theta); i++ {
		prior(i, 0, warpSpread)
	}
	return v
}

// weigh returns α = K⁻¹(y − μ), the variance s² and the mean μ.
func weigh(c *cholesky, y []float64) (alpha []float64, s2, mean float64) {
	n := len(y)
	ones, hy, ho := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	c.half(ones, ho)
	c.half(y, hy)
	if w := floats.Dot(ho, ho); w > 0 {
		mean = floats.Dot(ho, hy) / w
	}
	floats.AddScaled(hy, -mean, ho)
	s2 = (floats.Dot(hy, hy) + .01) / float64(n+2)
	alpha = ones
	c.other(hy, alpha)
	return alpha, s2, mean
}

// evenly keeps at most n of some, evenly.
func evenly[T any](of []T, n int) []T {
	if len(of) <= n {
		return of
	}
	out := make([]T, n)
	for i := range out {
		out[i] = of[i*len(of)/n]
	}
	return out
}
