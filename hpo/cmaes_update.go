package hpo

import "math"

// cmaRates are the weights of a generation, best point first, and the rates at which
// the strategy learns from it (Hansen 2016, Table 1).
type cmaRates struct {
	w                 []float64
	mueff, c1, cmu    float64
	cs, damp, cc, chi float64
}

// rates are those of a generation of k points in n dimensions.
func (s *cmaState) rates(k int) cmaRates {
	w, mueff, c1, cmu := s.weights(k)
	n := float64(s.d)
	r := cmaRates{w: w, mueff: mueff, c1: c1, cmu: cmu}
	r.chi = math.Sqrt(n) * (1 - 1/(4*n) + 1/(21*n*n))
	r.cs = (mueff + 2) / (n + mueff + 5)
	r.damp = 1 + 2*max(0, math.Sqrt((mueff-1)/(n+1))-1) + r.cs
	r.cc = (4 + mueff/n) / (n + 4 + 2*mueff/n)
	return r
}

// weights are those of a generation of n points, best first; the negative ones
// are for active updates.
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
// and the median of its losses (Hansen 2016, Figure 6).
func (s *cmaState) update(x [][]float64, best, median float64) *cmaState {
	next := *s
	next.generation++
	next.spent[btoi(s.large)] += len(x)
	next.note(best, median)
	r := s.rates(len(x))
	y, length := s.steps(x)
	step := meanStep(r.w, y) // ⟨y⟩_w
	next.m = s.moved(step)
	next.ps = s.sigmaPath(r, step)
	long := norm2(next.ps)
	h := 0. // whether p_σ is short enough for p_c to follow the step
	if n := float64(s.d); long/math.Sqrt(1-math.Pow(1-r.cs, 2*float64(next.generation))) < (1.4+2/(n+1))*r.chi {
		h = 1
	}
	next.pc = s.covariancePath(r, step, h)
	next.sigma = s.sigma * math.Exp(min(r.cs/r.damp*(long/r.chi-1), 1))
	next.sigma = min(next.sigma, 1)
	next.c = s.covariance(r, next.pc, h, y, length)
	// The decomposition is renewed when C changed noticeably (Hansen 2016, B.2).
	if next.stale++; float64(next.stale) > 1/((r.c1+r.cmu)*float64(s.d)*10) {
		next.decompose()
	}
	next.margin()
	return &next
}

// note remembers the best loss of a generation, among those by which finished
// judges.
func (s *cmaState) note(best, median float64) {
	s.recent = append(append([]float64(nil), s.recent...), best)
	if most := 10 + 30*s.d/s.lambda; len(s.recent) > most {
		s.recent = s.recent[len(s.recent)-most:]
	}
	if median == best { // a flat generation counts as one without progress
		s.recent[len(s.recent)-1] = best
	}
}

// steps are the steps y to the points, and the lengths of their z. None is longer
// than a drawn one may be (Hansen 2011, "Injecting external solutions into
// CMA-ES").
func (s *cmaState) steps(x [][]float64) (y [][]float64, length []float64) {
	n := float64(s.d)
	longest := math.Sqrt(n) + 2*n/(n+2)
	y, length = make([][]float64, len(x)), make([]float64, len(x))
	white := make([]float64, s.d)
	for k := range x {
		y[k] = make([]float64, s.d)
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
	return y, length
}

// meanStep is the sum of the steps by their positive weights.
func meanStep(w []float64, y [][]float64) []float64 {
	step := make([]float64, len(y[0]))
	for k, wk := range w {
		if wk > 0 {
			for i := range step {
				step[i] += wk * y[k][i]
			}
		}
	}
	return step
}

// moved is the mean after a step, within the cube.
func (s *cmaState) moved(step []float64) []float64 {
	m := append([]float64(nil), s.m...)
	for i := range m {
		t := s.sigma * step[i]
		if s.scale != nil {
			t *= s.scale[i]
		}
		m[i] = min(max(m[i]+t, 0), 1)
	}
	return m
}

// sigmaPath is p_σ after a step.
func (s *cmaState) sigmaPath(r cmaRates, step []float64) []float64 {
	white, ps := make([]float64, s.d), make([]float64, s.d)
	s.whiten(step, white)
	for i := range ps {
		ps[i] = (1-r.cs)*s.ps[i] + math.Sqrt(r.cs*(2-r.cs)*r.mueff)*white[i]
	}
	return ps
}

// covariancePath is p_c after a step; h is 0 if the path does not follow it, else 1.
func (s *cmaState) covariancePath(r cmaRates, step []float64, h float64) []float64 {
	pc := make([]float64, s.d)
	for i := range pc {
		pc[i] = (1-r.cc)*s.pc[i] + h*math.Sqrt(r.cc*(2-r.cc)*r.mueff)*step[i]
	}
	return pc
}

// covariance is C after a generation of steps y, whose z have these lengths: what is
// kept of C, the path pc (rank one) and the steps (rank μ, the worst ones with
// negative weights).
func (s *cmaState) covariance(r cmaRates, pc []float64, h float64, y [][]float64, length []float64) []float64 {
	d, n := s.d, float64(s.d)
	sum := 0.
	for k := range r.w {
		sum += r.w[k]
	}
	keep := 1 + r.c1*(1-h)*r.cc*(2-r.cc) - r.c1 - r.cmu*sum
	c := make([]float64, d*d)
	for i := range d {
		for j := range i + 1 {
			c[i*d+j] = keep*s.c[i*d+j] + r.c1*pc[i]*pc[j]
		}
	}
	for k, wk := range r.w {
		if wk < 0 {
			wk *= n / max(length[k]*length[k], 1e-12)
		}
		wk *= r.cmu
		for i := range d {
			a := wk * y[k][i]
			for j := range i + 1 {
				c[i*d+j] += a * y[k][j]
			}
		}
	}
	for i := range d {
		for j := range i {
			c[j*d+i] = c[i*d+j]
		}
	}
	return c
}
