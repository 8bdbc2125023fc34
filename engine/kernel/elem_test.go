package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// lengths meet every edge of vectors of 8 and 16.
var lengths = []int{0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 1000}

// compare fails if got differs from want by more than bound·(scale + |want|).
func compare(t *testing.T, name string, got []float32, want func(i int) float64, bound float64) {
	t.Helper()
	for i, v := range got {
		if w := want(i); !(math.Abs(float64(v)-w) <= bound*(1+math.Abs(w))) {
			t.Fatalf("%s of %d: element %d is %g, want %g", name, len(got), i, v, w)
		}
	}
}

func TestElementwise(t *testing.T) { everyLevel(t, testElementwise) }

func testElementwise(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for _, n := range lengths {
		a, b := gauss(r, n), gauss(r, n)
		x := func(s []float32, i int) float64 { return float64(s[i]) }
		d := append([]float32(nil), a...)
		Add(d, b)
		compare(t, "Add", d, func(i int) float64 { return x(a, i) + x(b, i) }, 1e-7)
		copy(d, a)
		AddScaled(d, b, 0.5)
		compare(t, "AddScaled", d, func(i int) float64 { return x(a, i) + 0.5*x(b, i) }, 1e-7)
		copy(d, a)
		Scale(d, -3)
		compare(t, "Scale", d, func(i int) float64 { return -3 * x(a, i) }, 1e-7)
		var sum float64
		for i := range a {
			sum += x(a, i) * x(a, i)
		}
		if got := SumSquares(a); math.Abs(got-sum) > 1e-6*sum {
			t.Errorf("SumSquares of %d: %g, want %g", n, got, sum)
		}
		var want float64
		for i := range a {
			want += (x(a, i) - x(b, i)) * (x(a, i) - x(b, i))
		}
		if got := SquareError(d, a, b, 0.25); math.Abs(got-want) > 1e-6*want {
			t.Errorf("SquareError of %d: %g, want %g", n, got, want)
		}
		compare(t, "SquareError", d, func(i int) float64 { return 0.25 * (x(a, i) - x(b, i)) }, 1e-6)
	}
}

func TestActivations(t *testing.T) { everyLevel(t, testActivations) }

func testActivations(t *testing.T) {
	phi := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	density := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	sig := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	leaky := func(f func(a, b []float32, s float32)) func(a, b []float32) {
		return func(a, b []float32) { f(a, b, 0.1) }
	}
	for _, c := range []struct {
		name   string
		f      func(y, x []float32)
		back   func(dx, dy, from []float32)
		fromX  bool
		value  func(x float64) float64
		slope  func(x float64) float64
		within float64
	}{
		{"ReLU", ReLU, ReLUBack, false, func(x float64) float64 { return max(x, 0) }, func(x float64) float64 {
			if x > 0 {
				return 1
			}
			return 0
		}, 0},
		{"LeakyReLU", leaky(LeakyReLU), func(dx, dy, y []float32) { LeakyReLUBack(dx, dy, y, 0.1) }, false,
			func(x float64) float64 { return max(x, 0.1*x) }, func(x float64) float64 {
				if x > 0 {
					return 1
				}
				return 0.1
			}, 1e-6},
		{"Sigmoid", Sigmoid, SigmoidBack, false, sig, func(x float64) float64 { return sig(x) * (1 - sig(x)) }, 5e-7},
		{"Tanh", Tanh, TanhBack, false, math.Tanh, func(x float64) float64 { return 1 - math.Tanh(x)*math.Tanh(x) }, 5e-7},
		{"SiLU", SiLU, SiLUBack, true, func(x float64) float64 { return x * sig(x) }, func(x float64) float64 { return sig(x) * (1 + x*(1-sig(x))) }, 1e-6},
		{"GELU", GELU, GELUBack, true, func(x float64) float64 { return x * phi(x) }, func(x float64) float64 { return phi(x) + x*density(x) }, 1e-6},
	} {
		r := rand.New(rand.NewPCG(6, 6))
		for _, n := range lengths {
			x, dy := gauss(r, n), gauss(r, n)
			for i := range x {
				x[i] *= 3
				if i%17 == 0 {
					x[i] = []float32{0, 50, -50, 1e-4, 200, -200}[i/17%6]
				}
			}
			y, dx := make([]float32, n), make([]float32, n)
			c.f(y, x)
			compare(t, c.name, y, func(i int) float64 { return c.value(float64(x[i])) }, c.within)
			from := y
			if c.fromX {
				from = x
			}
			c.back(dx, dy, from)
			compare(t, c.name+"Back", dx, func(i int) float64 { return float64(dy[i]) * c.slope(float64(x[i])) }, 4*c.within)
			// in place, and NaN stays
			z := append([]float32(nil), x...)
			c.f(z, z)
			compare(t, c.name+" in place", z, func(i int) float64 { return float64(y[i]) }, 0)
			c.back(dy, dy, from)
			compare(t, c.name+"Back in place", dy, func(i int) float64 { return float64(dx[i]) }, 0)
			for i := range z {
				z[i] = float32(math.NaN())
			}
			c.f(z, z)
			for _, v := range z {
				if v == v {
					t.Fatalf("%s of NaN is %g", c.name, v)
				}
			}
		}
	}
}

func TestExp(t *testing.T) { everyLevel(t, testExp) }

func testExp(t *testing.T) {
	var x []float32
	for v := -90.0; v < 90; v += 0.0137 {
		x = append(x, float32(v))
	}
	y := make([]float32, len(x))
	Exp(y, x)
	for i, v := range x {
		want := math.Exp(float64(v))
		if v < -87.33654 {
			want = 0
		}
		if want < math.MaxFloat32 && math.Abs(float64(y[i])-want) > 2.5e-7*want+1.2e-38 {
			t.Fatalf("exp(%g) is %g, want %g", v, y[i], want)
		}
	}
	x = []float32{100, 1000, float32(math.Inf(1)), -1000, float32(math.Inf(-1)), float32(math.NaN())}
	for len(x)%16 != 0 {
		x = append(x, 0)
	}
	Exp(x, x)
	if inf := math.Inf(1); float64(x[0]) != inf || float64(x[1]) != inf || float64(x[2]) != inf || x[3] != 0 || x[4] != 0 || x[5] == x[5] || x[6] != 1 {
		t.Errorf("far away: %v", x)
	}
}

func TestFinite(t *testing.T) { everyLevel(t, testFinite) }

func testFinite(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, n := range lengths {
		x := gauss(r, n)
		if !Finite(x) {
			t.Fatalf("%d finite numbers are not", n)
		}
		for i := range x {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				v := x[i]
				x[i] = float32(bad)
				if Finite(x) {
					t.Fatalf("%g at %d of %d is finite", bad, i, n)
				}
				x[i] = v
			}
		}
	}
}

func TestColSum(t *testing.T) { everyLevel(t, testColSum) }

func testColSum(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for _, rows := range []int{1, 2, 127, 128, 129, 1000} {
		for _, cols := range []int{1, 3, 8, 15, 16, 17, 33, 50} {
			x := gauss(r, rows*cols)
			sums := make([]float32, cols)
			ColSum(sums, x, rows, cols)
			compare(t, "ColSum", sums, func(j int) (s float64) {
				for i := range rows {
					s += float64(x[i*cols+j])
				}
				return s
			}, 1e-5)
		}
	}
}
