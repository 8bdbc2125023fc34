package hpo

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// cmaState is the strategy of Hansen 2016 ("The CMA Evolution Strategy: A
// Tutorial") on [0,1]^d, in its symbols: mean m, step size σ, covariance C and
// the evolution paths. A state that others may hold is never changed.
type cmaState struct {
	d, lambda   int
	m           []float64
	sigma       float64
	c           []float64 // C, d×d by rows
	ps, pc      []float64
	b, sqrt     []float64 // C = B diag(sqrt²) Bᵀ; b holds B by rows
	stale       int       // updates of C since then
	scale       []float64 // of the margin (the matrix A of Hamano et al. 2022), nil without discrete numbers
	edges       []cells
	generation  int
	recent      []float64 // best losses of the last generations
	broken      bool      // numerically
	restarts    int
	spent       [2]int // evaluations with small and with large populations
	large       bool
	largeFactor int
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

// weights are those of a generation of n points, best first; the negative ones
// are for active updates. mueff is μ_eff.
func (s *cmaState) weights(n int) (w []float64, mueff, c1, cmu float64) {
	d := float64(s.d)
	w = make([]float64, n)
	var plus, plus2, minus, minus2 float64
	for i := range w {
		w[i] = math.Log(float64(n+1)/2) - math.Log(float64(i+1))
		if w[i] > 0 {
			plus, plus2 = plus+w[i], plus2+w[i]*w[i]
		} else {
			minus, minus2 = minus-w[i], minus2+w[i]*w[i]
		}
	}
	mueff = plus * plus / plus2
	c1 = 2 / ((d+1.3)*(d+1.3) + mueff)
	cmu = min(1-c1, 2*(.25+mueff+1/mueff-2)/((d+2)*(d+2)+mueff))
	a := 1 + c1/cmu
	if minus2 > 0 {
		a = min(a, 1+2*(minus*minus/minus2)/(mueff+2))
	}
	a = min(a, (1-c1-cmu)/(d*cmu))
	for i := range w {
		if w[i] > 0 {
			w[i] /= plus
		} else if minus > 0 {
			w[i] *= max(a, 0) / minus
		}
	}
	return w, mueff, c1, cmu
}

// update is the state after a generation: its points, best first, and the best
// and the median of its losses.
func (s *cmaState) update(x [][]float64, best, median float64) *cmaState {
	next := *s
	next.generation++
	next.recent = append(append([]float64(nil), s.recent...), best)
	if most := 10 + 30*s.d/s.lambda; len(next.recent) > most {
		next.recent = next.recent[len(next.recent)-most:]
	}
	if median == best { // a flat generation counts as one without progress
		next.recent[len(next.recent)-1] = best
	}
	next.spent[btoi(s.large)] += len(x)
	d := s.d
	n := float64(d)
	w, mueff, c1, cmu := s.weights(len(x))
	chi := math.Sqrt(n) * (1 - 1/(4*n) + 1/(21*n*n))
	cs := (mueff + 2) / (n + mueff + 5)
	damp := 1 + 2*max(0, math.Sqrt((mueff-1)/(n+1))-1) + cs
	cc := (4 + mueff/n) / (n + 4 + 2*mueff/n)

	// Steps in units of σ, none longer than a drawn one may be (Hansen 2011,
	// "Injecting external solutions into CMA-ES").
	longest := math.Sqrt(n) + 2*n/(n+2)
	y := make([][]float64, len(x))
	length := make([]float64, len(x))
	white := make([]float64, d)
	for k := range x {
		y[k] = make([]float64, d)
		for i := range y[k] {
			y[k][i] = (x[k][i] - s.m[i]) / s.sigma
			if s.scale != nil {
				y[k][i] /= s.scale[i]
			}
		}
		s.whiten(y[k], white)
		length[k] = norm2(white)
		if length[k] > longest {
			for i := range y[k] {
				y[k][i] *= longest / length[k]
			}
			length[k] = longest
		}
	}
	step := make([]float64, d) // ⟨y⟩_w
	for k, wk := range w {
		if wk > 0 {
			for i := range step {
				step[i] += wk * y[k][i]
			}
		}
	}
	next.m = append([]float64(nil), s.m...)
	for i := range next.m {
		t := s.sigma * step[i]
		if s.scale != nil {
			t *= s.scale[i]
		}
		next.m[i] = min(max(next.m[i]+t, 0), 1)
	}
	s.whiten(step, white)
	next.ps = append([]float64(nil), s.ps...)
	for i := range next.ps {
		next.ps[i] = (1-cs)*s.ps[i] + math.Sqrt(cs*(2-cs)*mueff)*white[i]
	}
	long := norm2(next.ps)
	h := 0.
	if long/math.Sqrt(1-math.Pow(1-cs, 2*float64(next.generation))) < (1.4+2/(n+1))*chi {
		h = 1
	}
	next.pc = append([]float64(nil), s.pc...)
	for i := range next.pc {
		next.pc[i] = (1-cc)*s.pc[i] + h*math.Sqrt(cc*(2-cc)*mueff)*step[i]
	}
	next.sigma = s.sigma * math.Exp(min(cs/damp*(long/chi-1), 1))
	next.sigma = min(next.sigma, 1)

	sum := 0.
	for k := range w {
		sum += w[k]
	}
	keep := 1 + c1*(1-h)*cc*(2-cc) - c1 - cmu*sum
	next.c = make([]float64, d*d)
	for i := range d {
		for j := range i + 1 {
			next.c[i*d+j] = keep*s.c[i*d+j] + c1*next.pc[i]*next.pc[j]
		}
	}
	for k, wk := range w {
		if wk < 0 {
			wk *= n / max(length[k]*length[k], 1e-12)
		}
		wk *= cmu
		for i := range d {
			a := wk * y[k][i]
			for j := range i + 1 {
				next.c[i*d+j] += a * y[k][j]
			}
		}
	}
	for i := range d {
		for j := range i {
			next.c[j*d+i] = next.c[i*d+j]
		}
	}
	// The decomposition is renewed when C changed noticeably (Hansen 2016, B.2).
	if next.stale++; float64(next.stale) > 1/((c1+cmu)*n*10) {
		next.decompose()
	}
	next.margin()
	return &next
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
