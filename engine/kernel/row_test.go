package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestSoftmax(t *testing.T) { everyLevel(t, testSoftmax) }

func testSoftmax(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols := width64(t)
		rows := rapid.IntRange(1, 40).Draw(t, "rows")
		causal := rapid.Bool().Draw(t, "causal")
		r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
		const scale = 0.3
		x, dy := gauss(r, rows*cols), gauss(r, rows*cols)
		for i := range x {
			x[i] *= 20
		}
		y, dx := make([]float32, len(x)), make([]float32, len(x))
		Softmax(y, x, rows, cols, scale, causal)
		SoftmaxBack(dx, dy, y, rows, cols, scale)
		for i := range rows {
			seen := cols
			if causal {
				seen = i%cols + 1
			}
			p := make([]float64, cols)
			top := math.Inf(-1)
			for j := range seen {
				top = max(top, scale*float64(x[i*cols+j]))
			}
			var total, dot float64
			for j := range seen {
				p[j] = math.Exp(scale*float64(x[i*cols+j]) - top)
				total += p[j]
			}
			for j := range p {
				p[j] /= total
				dot += p[j] * float64(dy[i*cols+j])
			}
			for j := range p {
				near(t, "Softmax", y[i*cols+j], p[j], 1e-6)
				near(t, "SoftmaxBack", dx[i*cols+j], scale*p[j]*(float64(dy[i*cols+j])-dot), 4e-6)
			}
		}
		z := append([]float32(nil), x...)
		Softmax(z, z, rows, cols, scale, causal)
		SoftmaxBack(dy, dy, y, rows, cols, scale)
		for i := range z {
			if z[i] != y[i] || dy[i] != dx[i] {
				t.Fatalf("in place: element %d is %g and %g, not %g and %g", i, z[i], dy[i], y[i], dx[i])
			}
		}
	})
}

// NaN in a row does not vanish.
func TestSoftmaxOfNaN(t *testing.T) {
	everyLevel(t, func(t *testing.T) {
		for _, cols := range []int{1, 5, 16, 32} {
			for at := range cols {
				x := make([]float32, cols)
				x[at] = float32(math.NaN())
				Softmax(x, x, 1, cols, 1, false)
				for j, v := range x {
					if v == v {
						t.Fatalf("softmax of %d values, NaN at %d: value %d is %g", cols, at, j, v)
					}
				}
			}
		}
	})
}

func TestLayerNorm(t *testing.T) { everyLevel(t, testLayerNorm) }

func testLayerNorm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols := width64(t) + 3
		if rapid.Bool().Draw(t, "whole") {
			cols = (cols + 15) &^ 15
		}
		rows := rapid.IntRange(1, 40).Draw(t, "rows")
		r := rand.New(rand.NewPCG(2, rapid.Uint64().Draw(t, "seed")))
		const eps = 1e-5
		of := cols + rapid.SampledFrom([]int{0, 0, 1, 7, 64}).Draw(t, "values that are 0 and not there")
		offset := float32(rapid.IntRange(-20, 20).Draw(t, "offset"))
		x, dy, gamma, beta := gauss(r, rows*cols), gauss(r, rows*cols), gauss(r, cols), gauss(r, cols)
		for i := range x {
			x[i] = 2*x[i] + offset + float32(i%cols) // far from equal
		}
		y, mean, inv := make([]float32, len(x)), make([]float32, rows), make([]float32, rows)
		LayerNorm(y, x, gamma, beta, mean, inv, rows, cols, of, eps)
		dx, dgamma, dbeta := make([]float32, len(x)), make([]float32, cols), make([]float32, cols)
		LayerNormBack(dx, dgamma, dbeta, dy, x, gamma, mean, inv, rows, cols, of)
		wantGamma, wantBeta := make([]float64, cols), make([]float64, cols)
		for i := range rows {
			var m, v float64
			for j := range cols {
				m += float64(x[i*cols+j]) / float64(of)
			}
			for j := range cols {
				d := float64(x[i*cols+j]) - m
				v += d * d / float64(of)
			}
			v += m * m * float64(of-cols) / float64(of)
			s := 1 / math.Sqrt(v+eps)
			var all, dot float64
			h := make([]float64, cols)
			for j := range cols {
				h[j] = (float64(x[i*cols+j]) - m) * s
				g := float64(dy[i*cols+j]) * float64(gamma[j])
				all += g / float64(of)
				dot += g * h[j] / float64(of)
				wantGamma[j] += float64(dy[i*cols+j]) * h[j]
				wantBeta[j] += float64(dy[i*cols+j])
			}
			for j := range cols {
				near(t, "LayerNorm", y[i*cols+j], h[j]*float64(gamma[j])+float64(beta[j]), 2e-5)
				near(t, "LayerNormBack", dx[i*cols+j], s*(float64(dy[i*cols+j])*float64(gamma[j])-all-h[j]*dot), 2e-5)
			}
		}
		for j := range cols {
			near(t, "dγ", dgamma[j], wantGamma[j], 5e-5)
			near(t, "dβ", dbeta[j], wantBeta[j], 1e-5)
		}
		LayerNormBack(dy, dgamma, dbeta, dy, x, gamma, mean, inv, rows, cols, of)
		for i := range dy {
			if dy[i] != dx[i] {
				t.Fatalf("in place: element %d is %g, not %g", i, dy[i], dx[i])
			}
		}
	})
}

// width64 is a number of columns, often of whole vectors.
func width64(t *rapid.T) int {
	n := rapid.IntRange(1, 70).Draw(t, "cols")
	if rapid.Bool().Draw(t, "whole vectors") {
		n = (n + 15) &^ 15
	}
	return n
}

func near(t *rapid.T, name string, got float32, want, bound float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= bound*(1+math.Abs(want))) {
		t.Fatalf("%s: %g, want %g", name, got, want)
	}
}
