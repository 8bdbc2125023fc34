package data

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func numberOf(e Encoding, train []float64, x float64) []float64 {
	f := e.fit(train, count(len(train)))
	out := make([]float32, f.width())
	f.put(out, x)
	wide := make([]float64, len(out))
	for i, y := range out {
		wide[i] = float64(y)
	}
	return wide
}

// Worked out by hand, except for the quantiles of the normal distribution, which are
// from a table.
func TestNumericEncodings(t *testing.T) {
	nine := []float64{5, 1, 2, 3, 4, 9, 8, 7, 6} // median 5, quartiles 3 and 7
	ties := []float64{0, 0, 0, 1, 2}
	for _, c := range []struct {
		e     Encoding
		train []float64
		x     float64
		want  []float64
	}{
		{Standard, []float64{1, 2, 3}, 3, []float64{math.Sqrt(1.5)}},
		{Robust, nine, 5, []float64{0}},
		{Robust, nine, 9, []float64{1 / math.Sqrt(1+1./9)}},
		{Robust, nine, 1e30, []float64{3}},
		{Robust, []float64{0, 0, 0, 0, 0, 0, 0, 0, 8}, 4, []float64{1 / math.Sqrt(1+1./9)}}, // half the range
		{Quantile, nine, 5, []float64{0}},
		{Quantile, nine, 7, []float64{.674490}},  // three quarters
		{Quantile, nine, 7.5, []float64{.88715}}, // 13/16
		{Quantile, nine, 100, []float64{5.19934}},
		{Quantile, nine, -100, []float64{-5.19934}},
		{Quantile, ties, 0, []float64{-.67449}}, // the first three of five: in the middle at a quarter
		{Piecewise, nine, 2.25, []float64{-2.75 / math.Sqrt(60./9), .5, -.25, -.5, -.5, -.5, -.5, -.5, -.5}},
		{Piecewise, nine, 20, []float64{15 / math.Sqrt(60./9), .5, .5, .5, .5, .5, .5, .5, .5}},
		{Piecewise, []float64{4, 4, 4}, 7, []float64{0}}, // constant
	} {
		got := numberOf(c.e, c.train, c.x)
		if len(got) != len(c.want) {
			t.Errorf("%s of %v: %v, want %v", c.e, c.x, got, c.want)
			continue
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 2e-4 {
				t.Errorf("%s of %v: %v, want %v", c.e, c.x, got, c.want)
				break
			}
		}
	}
}

// Whatever the numbers, the encodings are finite and never fall where the number
// rises.
func TestNumericEncodingsRise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		train := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 {
			return float64(rapid.IntRange(-5, 5).Draw(t, "x")) * math.Pow(10, float64(rapid.IntRange(-3, 30).Draw(t, "e")))
		}), 1, 40).Draw(t, "train")
		a := rapid.Float64Range(-1e31, 1e31).Draw(t, "a")
		b := rapid.SampledFrom(append(train, a*1.5, 0)).Draw(t, "b")
		lo, hi := min(a, b), max(a, b)
		for _, e := range encodings {
			x, y := numberOf(e, train, lo), numberOf(e, train, hi)
			for i := range x {
				if math.IsNaN(x[i]) || math.IsInf(x[i], 0) || x[i] > y[i]+1e-6 {
					t.Fatalf("%s: %v gives %v, %v gives %v", e, lo, x, hi, y)
				}
			}
		}
	})
}

// Numbers with long tails get the distribution of a normal variable.
func TestQuantileOfSkewedNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 3000)
	for i := range x {
		x[i] = math.Exp(3 * r.NormFloat64())
	}
	f := Quantile.fit(x, count(2000))
	var m moments
	var out [1]float32
	seen := make([]float64, 1000)
	for i, v := range x[2000:] {
		f.put(out[:], v)
		seen[i] = float64(out[0])
	}
	m.add(seen, count(1000))
	if math.Abs(m.mean()) > .1 || math.Abs(m.std()-1) > .1 {
		t.Errorf("mean %v, deviation %v", m.mean(), m.std())
	}
}

func TestNumericErrors(t *testing.T) {
	for want, s := range map[string]Source{
		"did you mean quantile?": {CSV: "x.csv", Target: "y", Numeric: "quantil"},
		"belongs to tables":      {CSV: "x.csv", Target: "y", Image: []int{2, 2, 1}, Numeric: Robust},
		"a text has no":          {Text: &Text{File: "x"}, Numeric: Robust},
		"pixels keep":            {IDX: &IDX{Images: "a", Labels: "b"}, Numeric: Robust},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "numeric") {
			t.Errorf("%q: %v", want, err)
		}
	}
}
