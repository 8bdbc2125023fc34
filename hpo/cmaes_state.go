package hpo

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// The symbols of Hansen 2016 ("The CMA Evolution Strategy: A Tutorial"). Points
// are on [0,1]^d, and so are means; a share is of the width of a range.
//
//	symbol  here         shape  meaning
//	n       d                   numbers and ordinals that are searched
//	λ       lambda              points of a generation
//	m       m            d      mean of the distribution
//	σ       sigma               step size, a share
//	C       c            d×d    covariance of the steps y, by rows
//	B, D    b, sqrt      d×d, d C = B·D²·Bᵀ: axes (the columns of B) and their lengths
//	A       scale        d      widening by the margin (Hamano et al. 2022); nil without discrete numbers
//	p_σ     ps           d      evolution path of the step size, in the coordinates of z
//	p_c     pc           d      evolution path of the covariance
//	z       z, white     d      a standard normal step, C^(−1/2)·y
//	y       y, step      d      a step in units of σ and A: x = m + σ·A·y
//	w       rates.w      λ      weights of the points, best first; the negative ones are for active updates
//	μ_eff   rates.mueff         how many points the positive weights are worth
//	c_1     rates.c1            learning rate of C by its path
//	c_μ     rates.cmu           learning rate of C by the points
//	c_σ     rates.cs            learning rate of p_σ
//	d_σ     rates.damp          damping of σ
//	c_c     rates.cc            learning rate of p_c
//	E‖z‖    rates.chi           expected length of a standard normal step

// cmaState is the strategy between two generations. A state that others may hold is
// never changed.
type cmaState struct {
	d, lambda   int
	m           []float64
	sigma       float64
	c           []float64
	ps, pc      []float64
	b, sqrt     []float64
	stale       int // updates of C since B and D were computed
	scale       []float64
	edges       []cells // of each number
	generation  int
	recent      []float64 // best losses of the last generations
	broken      bool      // C is numerically not positive definite any more
	restarts    int
	spent       [2]int // evaluations with small and with large populations
	large       bool   // the population is a large one
	largeFactor int    // the large population is so many times the first one
}

func newCMAState(mean []float64, sigma float64, lambda int, edges []cells) *cmaState {
	d := len(mean)
	s := &cmaState{d: d, lambda: lambda, m: mean, sigma: sigma, edges: edges, largeFactor: 1,
		c: make([]float64, d*d), b: make([]float64, d*d), sqrt: make([]float64, d), ps: make([]float64, d), pc: make([]float64, d)}
	for i := range d {
		s.c[i*d+i], s.b[i*d+i], s.sqrt[i] = 1, 1, 1
	}
	for _, e := range edges {
		if e.n > 0 && s.scale == nil {
			s.scale = make([]float64, d)
			for i := range s.scale {
				s.scale[i] = 1
			}
		}
	}
	s.margin()
	return s
}

// transform is x = m + stretch·σ·A·B·D·z.
func (s *cmaState) transform(z []float64, stretch float64, x []float64) {
	for i := range s.d {
		y := 0.
		row := s.b[i*s.d : (i+1)*s.d]
		for j, b := range row {
			y += b * s.sqrt[j] * z[j]
		}
		if s.scale != nil {
			y *= s.scale[i]
		}
		x[i] = s.m[i] + stretch*s.sigma*y
	}
}

// inside moves a point into the cube: beyond a bound it is mirrored there, and
// drawn anew if that is not enough.
func (s *cmaState) inside(rng *rand.Rand, x []float64) {
	for i, u := range x {
		switch {
		case s.edges[i].n > 0:
			x[i] = min(max(u, 0), 1)
			continue
		case u < 0:
			u = -u
		case u > 1:
			u = 2 - u
		}
		if !(u >= 0 && u <= 1) {
			u = rng.Float64()
		}
		x[i] = u
	}
}

// whiten is C^(−1/2)·y.
func (s *cmaState) whiten(y, out []float64) {
	d := s.d
	for i := range out {
		out[i] = 0
	}
	for j := range d {
		t := 0.
		for i := range d {
			t += s.b[i*d+j] * y[i]
		}
		t /= s.sqrt[j]
		for i := range d {
			out[i] += s.b[i*d+j] * t
		}
	}
}

// decompose finds B and the axes' lengths.
func (s *cmaState) decompose() {
	s.stale = 0
	var e mat.EigenSym
	if !e.Factorize(mat.NewSymDense(s.d, s.c), true) {
		s.broken = true
		return
	}
	values := e.Values(nil)
	top := values[s.d-1]
	if !(top > 0) || math.IsInf(top, 0) || values[0] < top*1e-14 {
		s.broken = true
		return
	}
	s.sqrt = values
	for i := range values {
		values[i] = math.Sqrt(values[i])
	}
	var v mat.Dense
	e.VectorsTo(&v)
	s.b = v.RawMatrix().Data
}

// finished reports whether the strategy has nothing more to find here.
func (s *cmaState) finished() bool {
	if s.broken || !(s.sigma > 0) || math.IsInf(s.sigma, 0) {
		return true
	}
	widest := 0.
	for i := range s.d {
		if s.edges[i].n == 0 {
			widest = max(widest, s.sigma*math.Sqrt(s.c[i*s.d+i]))
		}
	}
	if s.scale == nil && widest < 1e-8 {
		return true
	}
	if len(s.recent) < 10+30*s.d/s.lambda {
		return false
	}
	lo, hi := s.recent[0], s.recent[0]
	for _, v := range s.recent {
		lo, hi = min(lo, v), max(hi, v)
	}
	return hi-lo <= 1e-12*max(math.Abs(lo), math.Abs(hi))
}

// restart begins anew elsewhere: with twice the population as last time, or, if
// that has had its share of the evaluations, with a small one and small steps
// (Hansen 2009).
func (s *cmaState) restart(rng *rand.Rand, sigma float64, lambda int) *cmaState {
	mean := make([]float64, s.d)
	for i := range mean {
		mean[i] = rng.Float64()
	}
	factor, large := s.largeFactor, s.spent[1] <= s.spent[0]
	if large {
		factor = min(2*factor, 1<<6)
		lambda *= factor
	} else {
		sigma *= math.Pow(10, -2*rng.Float64())
		u := rng.Float64()
		lambda = max(int(float64(lambda)*math.Pow(float64(factor)/2, u*u)), lambda)
	}
	next := newCMAState(mean, sigma, lambda, s.edges)
	next.restarts, next.spent, next.large, next.largeFactor = s.restarts+1, s.spent, large, factor
	return next
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func norm2(x []float64) float64 {
	sum := 0.
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}
