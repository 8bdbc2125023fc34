package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestAdamStep(t *testing.T) { everyLevel(t, testAdamStep) }

func testAdamStep(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 13))
	for _, n := range lengths {
		w, g, m, v := gauss(r, n), gauss(r, n), gauss(r, n), gauss(r, n)
		for i := range v {
			v[i] *= v[i]
		}
		a := Adam{Beta1: 0.9, Beta2: 0.99, Keep1: 0.1, Keep2: 0.01, Rate: 0.02, Correct: 3, Eps: 1e-8, Decay: 0.1, Shrink: 0.95}
		var want, wantM, wantV []float64
		for i := range w {
			d := float64(g[i]) + 0.1*float64(w[i])
			mi, vi := 0.9*float64(m[i])+0.1*d, 0.99*float64(v[i])+0.01*d*d
			wantM, wantV = append(wantM, mi), append(wantV, vi)
			want = append(want, 0.95*float64(w[i])-0.02*mi/(3*math.Sqrt(vi)+1e-8))
		}
		if !a.Step(w, g, m, v) {
			t.Fatal("finite weights are not")
		}
		compare(t, "w", w, func(i int) float64 { return want[i] }, 1e-5)
		compare(t, "m", m, func(i int) float64 { return wantM[i] }, 1e-6)
		compare(t, "v", v, func(i int) float64 { return wantV[i] }, 1e-6)
		for i := range g {
			g[i] = float32(math.NaN())
			if a.Step(append([]float32(nil), w...), g, append([]float32(nil), m...), append([]float32(nil), v...)) {
				t.Fatalf("NaN at %d of %d is finite", i, n)
			}
			g[i] = 1
		}
	}
}

// Steps are right where v is 0, tiny and large.
func TestAdamExtremes(t *testing.T) {
	everyLevel(t, func(t *testing.T) {
		for _, size := range []float64{0, 1e-30, 1e-18, 1e-12, 1e-8, 1, 1e8, 1e16} {
			const n = 19
			w, g, m, v := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
			for i := range g {
				g[i] = float32(size) * float32(i+1)
			}
			a := Adam{Beta1: 0.9, Beta2: 0.999, Keep1: 0.1, Keep2: 0.001, Rate: 1, Correct: 1, Eps: 1e-8, Shrink: 1}
			if !a.Step(w, g, m, v) {
				t.Fatalf("gradient %g: weights are not finite", size)
			}
			for i, got := range w {
				want := -float64(m[i]) / (math.Sqrt(float64(v[i])) + 1e-8)
				if !(math.Abs(float64(got)-want) <= 1e-6*math.Abs(want)) {
					t.Errorf("gradient %g: step %g, want %g", g[i], got, want)
				}
			}
		}
	})
}

func TestSGDStep(t *testing.T) { everyLevel(t, testSGDStep) }

func testSGDStep(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 14))
	for _, n := range lengths {
		for _, s := range []SGD{
			{Rate: 0.1, Decay: 0.2},
			{Rate: 0.1, Momentum: 0.9, Decay: 0.2},
			{Rate: 0.1, Momentum: 0.9, Nesterov: true},
		} {
			w, g, b := gauss(r, n), gauss(r, n), gauss(r, n)
			var want []float64
			for i := range w {
				d := float64(g[i]) + float64(s.Decay)*float64(w[i])
				step := d
				if s.Momentum > 0 {
					step += 0.9 * float64(b[i])
				}
				if s.Nesterov {
					step = d + 0.9*step
				}
				want = append(want, float64(w[i])-0.1*step)
			}
			if !s.Step(w, g, b) {
				t.Fatal("finite weights are not")
			}
			compare(t, "w", w, func(i int) float64 { return want[i] }, 1e-6)
			for i := range g {
				g[i] = float32(math.Inf(1))
				if s.Step(append([]float32(nil), w...), g, append([]float32(nil), b...)) {
					t.Fatalf("infinity at %d of %d is finite", i, n)
				}
				g[i] = 1
			}
		}
	}
}

func TestDepthwise(t *testing.T) { everyLevel(t, testDepthwise) }

func testDepthwise(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 15))
	for _, cols := range []int{1, 3, 8, 16, 17, 40} {
		for _, rows := range []int{1, 5, 28} {
			rowX, rowY := 2*cols, cols+1
			x, y, w := gauss(r, rows*rowX), gauss(r, rows*rowY), gauss(r, cols)
			got := append([]float32(nil), y...)
			MulAdd(got, rowY, x, rowX, w, rows, cols)
			compare(t, "MulAdd", got, func(i int) float64 {
				v, c := float64(y[i]), i%rowY
				if c < cols {
					v += float64(x[i/rowY*rowX+c]) * float64(w[c])
				}
				return v
			}, 1e-6)
			sum := append([]float32(nil), w...)
			MulSum(sum, x, rowX, y, rowY, rows, cols)
			compare(t, "MulSum", sum, func(c int) float64 {
				v := float64(w[c])
				for i := range rows {
					v += float64(x[i*rowX+c]) * float64(y[i*rowY+c])
				}
				return v
			}, 1e-5)
		}
	}
}
