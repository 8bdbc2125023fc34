package data

import (
	"math"
	"slices"
	"sort"
)

// Encoding is what becomes of the numeric columns of a table.
type Encoding string

// The encodings of numeric columns. All are measured on the training rows. A
// missing value is 0 in each, which is the middle, beside a column of its own that
// says so.
const (
	Standard  Encoding = "standard"  // (x − mean) / standard deviation; the default
	Robust    Encoding = "robust"    // median and quartiles instead, far values drawn in smoothly: see robust
	Quantile  Encoding = "quantile"  // the normal quantile of the value's rank: skew and outliers go
	Piecewise Encoding = "piecewise" // standard, and beside it the value's place in each of 8 bins: for targets that jump
)

var encodings = []Encoding{Standard, Robust, Quantile, Piecewise}

func (e Encoding) check(image bool) *Error {
	switch {
	case e == "":
	case !slices.Contains(encodings, e):
		more := ""
		var names []string
		for _, known := range encodings {
			names = append(names, string(known))
		}
		if near := nearest(string(e), names); near != "" {
			more = "; did you mean " + near + "?"
		}
		return fault("numeric", "%s is none of %v%s", quote(string(e)), encodings, more)
	case image:
		return fault("numeric", "belongs to tables; the values of an image keep their proportions")
	}
	return nil
}

// transform encodes the numbers of a column.
type transform interface {
	width() int // values that it makes of a number
	put(out []float32, x float64)
}

// fit measures a column of numbers at the training rows.
func (e Encoding) fit(values []float64, train []int) transform {
	var m moments
	m.add(values, train)
	s := standard{m.mean(), m.scale()}
	if e == Standard || e == "" || s.scale == 0 {
		return s
	}
	sorted := make([]float64, 0, m.n)
	for _, i := range train {
		if !math.IsNaN(values[i]) {
			sorted = append(sorted, values[i])
		}
	}
	slices.Sort(sorted)
	switch e {
	case Robust:
		return fitRobust(sorted)
	case Quantile:
		return ranks(knots(sorted, maxKnots))
	}
	return piecewise{s, slices.Compact(knots(sorted, bins+1))}
}

// standard standardises.
type standard struct{ mean, scale float64 } // scale is what a difference from the mean is multiplied by; 0 if constant

func (s standard) width() int                   { return 1 }
func (s standard) put(out []float32, x float64) { out[0] = score(x, s.mean, s.scale) }

// robust is z/√(1 + (z/3)²) of z = (x − median)/(q₃ − q₁), which stays within ±3;
// where the quartiles are equal half the range stands for their difference
// (Holzmüller, Grinsztajn & Steinwart 2024, "Better by default", section 3).
type robust struct{ median, scale float64 }

func fitRobust(sorted []float64) transform {
	spread := at(sorted, .75) - at(sorted, .25)
	if spread == 0 {
		spread = (sorted[len(sorted)-1] - sorted[0]) / 2
	}
	return robust{at(sorted, .5), 1 / spread}
}

func (r robust) width() int { return 1 }
func (r robust) put(out []float32, x float64) {
	z := min(max((x-r.median)*r.scale, -MaxScore), MaxScore)
	out[0] = float32(z / math.Sqrt(1+z*z/9))
}

const maxKnots = 1000

// ranks is Φ⁻¹ of the share of training values below a value, by linear
// interpolation between quantiles; among equal ones it takes the middle. The ends
// are those of scikit-learn's QuantileTransformer, ±5.2.
type ranks []float64

func (q ranks) width() int { return 1 }
func (q ranks) put(out []float32, x float64) {
	lo := sort.SearchFloat64s(q, x)                                 // knots below x
	hi := sort.Search(len(q), func(i int) bool { return q[i] > x }) // and those not above
	place := float64(lo+hi-1) / 2                                   // if some are equal to x
	switch {
	case lo == len(q):
		place = float64(len(q) - 1)
	case hi == 0:
		place = 0
	case lo == hi:
		place = float64(lo-1) + (x-q[lo-1])/(q[lo]-q[lo-1])
	}
	p := min(max(place/float64(len(q)-1), 1e-7), 1-1e-7)
	out[0] = float32(math.Sqrt2 * math.Erfinv(2*p-1))
}

const bins = 8

// piecewise is the standardised value and, for each bin between quantiles, how
// far the value reaches into it, from 0 to 1 (Gorishniy, Rubachev & Babenko 2022,
// "On embeddings for numerical features", section 3.2), less ½: a missing value
// lies in the middle.
type piecewise struct {
	standard
	edges []float64
}

func (p piecewise) width() int { return 1 + len(p.edges) - 1 }
func (p piecewise) put(out []float32, x float64) {
	p.standard.put(out, x)
	for i := 1; i < len(p.edges); i++ {
		lo, hi := p.edges[i-1], p.edges[i]
		out[i] = float32(min(max((x-lo)/(hi-lo), 0), 1) - .5)
	}
}

// knots are at most n quantiles at equal distances, of sorted values.
func knots(sorted []float64, n int) []float64 {
	n = max(min(n, len(sorted)), 2)
	out := make([]float64, n)
	for i := range out {
		out[i] = at(sorted, float64(i)/float64(n-1))
	}
	return out
}

// at is a quantile of sorted values, by linear interpolation.
func at(sorted []float64, p float64) float64 {
	x := p * float64(len(sorted)-1)
	i := int(x)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (x-float64(i))*(sorted[i+1]-sorted[i])
}
