package kernel

import (
	"math/rand/v2"
	"testing"
)

func TestNormMax(t *testing.T) { everyLevel(t, testNormMax) }

// Normalisation, ReLU and pooling in one give what the three give one by one.
func testNormMax(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 21))
	for _, p := range []Pool{{2, 2, 1, 2}, {4, 4, 3, 2}, {5, 7, 16, 2}, {7, 4, 19, 2}, {8, 8, 32, 2}, {6, 9, 40, 2}, {28, 28, 8, 2}} {
		pixels := p.H * p.W
		x, dy := gauss(r, pixels*p.C), gauss(r, p.H/2*(p.W/2)*p.C)
		for i := range x {
			x[i] = float32(int(4*x[i])) / 4 // ties
		}
		a, b, s, mean, q := gauss(r, p.C), gauss(r, p.C), gauss(r, p.C), gauss(r, p.C), gauss(r, p.C)
		z, want := make([]float32, len(x)), make([]float32, len(dy))
		ScaleShift(z, x, a, b, pixels, p.C, true)
		p.Max(want, z)
		y := make([]float32, len(dy))
		p.NormMax(y, x, a, b)
		compare(t, "NormMax", y, func(i int) float64 { return float64(want[i]) }, 1e-6)

		dz, wantX := make([]float32, len(x)), make([]float32, len(x))
		p.MaxBack(dz, dy, z, want)
		wantSum, wantDot, sum, dot := make([]float64, p.C), make([]float64, p.C), make([]float64, p.C), make([]float64, p.C)
		CenteredSums(wantSum, wantDot, dz, x, mean, a, b, pixels, p.C)
		p.NormMaxSums(sum, dot, dy, x, a, b, mean)
		compare(t, "NormMaxSums sum", single(sum), func(i int) float64 { return wantSum[i] }, 2e-5)
		compare(t, "NormMaxSums dot", single(dot), func(i int) float64 { return wantDot[i] }, 2e-5)
		NormBack(wantX, dz, x, a, s, mean, q, b, pixels, p.C)
		dx := make([]float32, len(x))
		p.NormMaxBack(dx, dy, x, a, b, s, mean, q)
		compare(t, "NormMaxBack", dx, func(i int) float64 { return float64(wantX[i]) }, 4e-6)
	}
}

// NaN must not vanish in a maximum.
func TestNormMaxKeepsNaN(t *testing.T) {
	everyLevel(t, func(t *testing.T) {
		p := Pool{2, 2, 17, 2}
		for at := range 4 {
			x, one, y := make([]float32, 4*p.C), make([]float32, p.C), make([]float32, p.C)
			for c := range p.C {
				one[c] = 1
				x[at*p.C+c] = nan()
			}
			p.NormMax(y, x, one, one)
			for c, v := range y {
				if v == v {
					t.Fatalf("NaN at %d of the window: channel %d is %g", at, c, v)
				}
			}
		}
	})
}

func nan() float32 {
	var zero float32
	return zero / zero
}
