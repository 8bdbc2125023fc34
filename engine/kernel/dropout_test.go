package kernel

import (
	"math"
	"testing"
)

func TestDropout(t *testing.T) { everyLevel(t, testDropout) }

func testDropout(t *testing.T) {
	for _, p := range []float64{0, 0.1, 0.5, 0.9} {
		x := make([]float32, 100_000)
		for i := range x {
			x[i] = 1
		}
		y := make([]float32, len(x))
		Dropout(y, x, 0, 42, p)
		var sum float64
		for _, v := range y {
			if v != 0 && math.Abs(float64(v)-1/(1-p)) > 1e-6 {
				t.Fatalf("p %g: a value is %g", p, v)
			}
			sum += float64(v)
		}
		deviation := math.Sqrt(p / (1 - p) / float64(len(x)))
		if mean := sum / float64(len(x)); math.Abs(mean-1) > 4*deviation {
			t.Errorf("p %g: the mean is %g", p, mean)
		}
		kept, run := 0.0, 0.0 // of the values, and of neighbours both
		for i, v := range y {
			if (v == 0) != (random32(uint32(i), 42, 0) < uint32(p*(1<<32))) {
				t.Fatalf("p %g: another choice than in plain Go at %d", p, i)
			}
			if v != 0 {
				kept++
				if i > 0 && y[i-1] != 0 {
					run++
				}
			}
		}
		if want := kept * kept / float64(len(y)); math.Abs(run-want) > 4*math.Sqrt(float64(len(y)))/2 {
			t.Errorf("p %g: %g neighbours kept, want about %g", p, run, want)
		}
		Dropout(x, x, 0, 42, p)
		compare(t, "Dropout again", x, func(i int) float64 { return float64(y[i]) }, 0)
	}
}

// Other keys make other choices, independent of each other.
func TestDropoutKeys(t *testing.T) {
	const n = 100_000
	x := make([]float32, n)
	for i := range x {
		x[i] = 1
	}
	for _, other := range []uint64{43, 42 + 1<<32, 42 + n, 1 << 63} {
		a, b := make([]float32, n), make([]float32, n)
		Dropout(a, x, 0, 42, 0.5)
		Dropout(b, x, 0, other, 0.5)
		both := 0
		for i := range a {
			if a[i] != 0 && b[i] != 0 {
				both++
			}
		}
		if math.Abs(float64(both)-n/4) > 4*math.Sqrt(n*3/16.) {
			t.Errorf("key %d: %d values kept by both of %d, want about %d", other, both, n, n/4)
		}
	}
}
