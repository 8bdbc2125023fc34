package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestMoments(t *testing.T) { everyLevel(t, testMoments) }

func testMoments(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, rows := range []int{1, 2, 100, 1000} {
		for _, cols := range []int{1, 3, 16, 17, 40} {
			x := gauss(r, rows*cols)
			for i := range x {
				x[i] += 1000 // a mean that is large against the deviation
			}
			mean, variance := make([]float32, cols), make([]float32, cols)
			all := NewMoments(cols)
			for range 2 { // the second time after a Reset
				all.Reset()
				all.Add(x, (rows+1)/2)
				if rows > 1 {
					all.Add(x[(rows+1)/2*cols:], rows/2)
				}
			}
			all.Result(mean, variance)
			m := func(j int) (s float64) {
				for i := range rows {
					s += float64(x[i*cols+j]) / float64(rows)
				}
				return s
			}
			compare(t, "mean", mean, m, 1e-7)
			compare(t, "variance", variance, func(j int) (s float64) {
				for i := range rows {
					d := float64(x[i*cols+j]) - m(j)
					s += d * d / float64(rows)
				}
				return s
			}, 1e-5)
		}
	}
}

func TestNorm(t *testing.T) { everyLevel(t, testNorm) }

func testNorm(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	for _, rows := range []int{1, 5, 300} {
		for _, cols := range []int{1, 3, 8, 16, 19, 32, 40} {
			n := rows * cols
			x, dy := gauss(r, n), gauss(r, n)
			a, b, p, mean := gauss(r, cols), gauss(r, cols), gauss(r, cols), gauss(r, cols)
			y := make([]float32, n)
			f := func(s []float32, i int) float64 { return float64(s[i]) }
			for _, relu := range []bool{false, true} {
				ScaleShift(y, x, a, b, rows, cols, relu)
				compare(t, "ScaleShift", y, func(i int) float64 {
					v := f(x, i)*f(a, i%cols) + f(b, i%cols)
					if relu {
						v = max(v, 0)
					}
					return v
				}, 1e-6)
				var shift []float32
				d := func(i int) float64 { return f(dy, i) }
				if relu {
					shift = b
					d = func(i int) float64 {
						if y[i] > 0 {
							return f(dy, i)
						}
						return 0
					}
				}
				sum, dot := make([]float64, cols), make([]float64, cols)
				CenteredSums(sum, dot, dy, x, mean, a, shift, rows, cols)
				compare(t, "sum", single(sum), func(j int) (s float64) {
					for i := range rows {
						s += d(i*cols + j)
					}
					return s
				}, 2e-5)
				compare(t, "dot", single(dot), func(j int) (s float64) {
					for i := range rows {
						s += d(i*cols+j) * (f(x, i*cols+j) - f(mean, j))
					}
					return s
				}, 2e-5)
				dx := append([]float32(nil), dy...)
				NormBack(dx, dx, x, a, p, mean, b, shift, rows, cols)
				compare(t, "NormBack", dx, func(i int) float64 {
					j := i % cols
					return f(a, j)*d(i) + f(p, j)*(f(x, i)-f(mean, j)) + f(b, j)
				}, 1e-6)
			}
		}
	}
}

// single rounds to float32.
func single(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

func TestPool(t *testing.T) { everyLevel(t, testPool) }

func testPool(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	for _, p := range []Pool{{4, 4, 1, 2}, {5, 7, 3, 2}, {6, 9, 16, 3}, {8, 8, 17, 2}, {7, 7, 32, 2}, {3, 3, 40, 3}, {5, 5, 2, 1}} {
		x := gauss(r, p.H*p.W*p.C)
		for i := range x {
			x[i] = float32(math.Round(float64(2 * x[i]))) // ties
		}
		oh, ow := p.H/p.Size, p.W/p.Size
		y, avg := make([]float32, oh*ow*p.C), make([]float32, oh*ow*p.C)
		dy := gauss(r, len(y))
		dx, da := gauss(r, len(x)), gauss(r, len(x))
		p.Max(y, x)
		p.Avg(avg, x)
		p.MaxBack(dx, dy, x, y)
		p.AvgBack(da, dy)
		wantMax, wantAvg := make([]float64, len(x)), make([]float64, len(x))
		for i := range oh {
			for j := range ow {
				for c := range p.C {
					at, best, sum := -1, math.Inf(-1), 0.0
					area := float64(p.Size * p.Size)
					out := (i*ow+j)*p.C + c
					for u := range p.Size {
						for v := range p.Size {
							in := ((i*p.Size+u)*p.W+j*p.Size+v)*p.C + c
							sum += float64(x[in])
							wantAvg[in] = float64(dy[out]) / area
							if float64(x[in]) > best {
								at, best = in, float64(x[in])
							}
						}
					}
					wantMax[at] = float64(dy[out])
					if float64(y[out]) != best || math.Abs(float64(avg[out])-sum/area) > 1e-6 {
						t.Fatalf("%+v: output %d is %g and %g, want %g and %g", p, out, y[out], avg[out], best, sum/area)
					}
				}
			}
		}
		compare(t, "MaxBack", dx, func(i int) float64 { return wantMax[i] }, 0)
		compare(t, "AvgBack", da, func(i int) float64 { return wantAvg[i] }, 1e-6)
	}
}

func TestCrossEntropy(t *testing.T) { everyLevel(t, testCrossEntropy) }

func testCrossEntropy(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 12))
	for _, cols := range []int{1, 2, 3, 10, 16, 17, 100} {
		for _, smooth := range []float32{0, 0.3} {
			const rows = 7
			x, d := gauss(r, rows*cols), make([]float32, rows*cols)
			x[0] += 300 // must not overflow
			class := make([]int32, rows)
			for i := range class {
				class[i] = int32(r.IntN(cols))
			}
			got := CrossEntropy(d, x, class, rows, cols, smooth, 0.5)
			var loss float64
			p := make([]float64, len(x))
			target := func(i int) float64 {
				v := float64(smooth) / float64(cols)
				if int(class[i/cols]) == i%cols {
					v += 1 - float64(smooth)
				}
				return v
			}
			for i := range rows {
				var sum float64
				top := math.Inf(-1)
				for _, v := range x[i*cols : (i+1)*cols] {
					top = max(top, float64(v))
				}
				for _, v := range x[i*cols : (i+1)*cols] {
					sum += math.Exp(float64(v) - top)
				}
				for j := i * cols; j < (i+1)*cols; j++ {
					p[j] = math.Exp(float64(x[j])-top) / sum
					loss -= target(j) * (float64(x[j]) - top - math.Log(sum))
				}
			}
			if math.Abs(got-loss) > 1e-5*(1+loss) {
				t.Errorf("%d classes: loss %g, want %g", cols, got, loss)
			}
			compare(t, "CrossEntropy", d, func(i int) float64 { return 0.5 * (p[i] - target(i)) }, 1e-6)
		}
	}
}
