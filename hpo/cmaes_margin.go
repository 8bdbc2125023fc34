package hpo

import (
	"math"

	"budwood/search"
)

// cells are those of the values of a discrete number on [0,1]; n is 0 for a
// continuous one.
type cells struct {
	n       int
	d       *search.Dim
	log     bool
	lo, hi  float64 // logarithms at 0 and 1
	first   float64 // value number 0
	between float64 // neighbouring values
}

func cellsOf(d *search.Dim) cells {
	e := cells{n: d.Size(), d: d}
	if d.Kind == search.KindChoice || !d.Log || e.n == 0 {
		return e
	}
	h := d.Step
	if h == 0 {
		h = 1
	}
	e.log, e.first, e.between = true, d.Lo, h
	e.lo, e.hi = math.Log(max(d.Lo-h/2, d.Lo/2)), math.Log(d.Hi+h/2)
	return e
}

// cell is the number of the value at u.
func (e *cells) cell(u float64) int {
	u = min(max(u, 0), 1)
	k := int(u * float64(e.n))
	if e.log {
		k = int(math.Round((math.Exp(e.lo+u*(e.hi-e.lo)) - e.first) / e.between))
	}
	return min(max(k, 0), e.n-1)
}

// edge is the border between the values k−1 and k.
func (e *cells) edge(k int) float64 {
	if e.log {
		return (math.Log(e.first+(float64(k)-.5)*e.between) - e.lo) / (e.hi - e.lo)
	}
	return float64(k) / float64(e.n)
}

// margin moves the mean of each discrete number and widens its distribution, so
// that its neighbouring values keep a probability of at least α = 1/(dλ) and no
// number is stuck (Hamano et al. 2022, Section 4).
func (s *cmaState) margin() {
	if s.scale == nil {
		return
	}
	alpha := 1 / float64(s.d*s.lambda)
	s.scale = append([]float64(nil), s.scale...)
	for j, e := range s.edges {
		if e.n < 2 {
			continue
		}
		sd := s.sigma * math.Sqrt(s.c[j*s.d+j])
		if !(sd > 0) || math.IsInf(sd, 0) {
			continue
		}
		a := s.scale[j]
		k := e.cell(s.m[j])
		if k == 0 || k == e.n-1 {
			edge := e.edge(1)
			if k > 0 {
				edge = e.edge(k)
			}
			if e.n == 2 {
				edge = e.edge(1)
			}
			// P(beyond the edge) ≥ α.
			far := quantile(1-alpha) * sd * a
			s.m[j] = edge + math.Copysign(min(math.Abs(s.m[j]-edge), far), s.m[j]-edge)
			continue
		}
		low, up := e.edge(k), e.edge(k+1)
		below := cdf((low - s.m[j]) / (sd * a))
		above := cdf((s.m[j] - up) / (sd * a))
		if below >= alpha/2 && above >= alpha/2 {
			continue
		}
		mid := 1 - below - above
		b, u := max(below, alpha/2), max(above, alpha/2)
		t := (1 - b - u - mid) / (b + u + mid - 1.5*alpha)
		b, u = b+t*(b-alpha/2), u+t*(u-alpha/2)
		zl, zu := quantile(1-b), quantile(1-u)
		if !(zl+zu > 0) {
			continue
		}
		s.m[j] = (low*zu + up*zl) / (zl + zu)
		s.scale[j] = (up - low) / ((zl + zu) * sd)
	}
}

// quantile is that of the standard normal.
func quantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }
