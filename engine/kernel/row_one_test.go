package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The only row of a product has the bits that it has beside another one.
func TestProductOfOneRow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	for _, n := range []int{1, 63, 64, 127, 128, 129, 200, 256, 300, 384, 400, 511, 512, 700} {
		for _, k := range []int{1, 2, 37} {
			a, b, bias := random(6*k+2), random(2*k*n), random(n)
			for _, add := range []bool{false, true} {
				c := random(2 * n)
				one := slices.Clone(c)
				g := Gemm{M: 2, N: n, K: k, Segs: 2, SegA: k + 1, A: a, RowA: 3*k + 1, ColA: 1, B: b, RowB: n, C: c, RowC: n, Add: add, ReLU: !add, Bias: bias}
				if add {
					g.Bias = nil
				}
				g.Run()
				g.M, g.C = 1, one
				g.Run()
				if !slices.Equal(one[:n], c[:n]) {
					t.Errorf("%d columns, %d steps, add %v: other bits", n, k, add)
				}
			}
		}
	}
}

// Several lines at once have the bits of each by itself, and nothing between them is
// written.
func TestProductOfLines(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	for _, m := range []int{1, 5, 14, 30} {
		for _, n := range []int{3, 16, 45, 130} {
			const lines, k, between = 3, 7, 2
			g := Gemm{M: m, N: n, K: k, Segs: 2, SegA: 5, A: random(lines*(4*m+9) + k), RowA: 4, ColA: 1, B: random(2 * k * n), RowB: n,
				RowC: n, Bias: random(n), ReLU: true, LineA: 4*m + 5, LineC: m*n + between}
			one := random(lines * (m*n + between))
			all, a := slices.Clone(one), g.A
			for line := range lines {
				g.A, g.C = a[line*g.LineA:], one[line*g.LineC:]
				g.Run()
			}
			g.Lines, g.A, g.C = lines, a, all
			g.Run()
			if !slices.Equal(one, all) {
				t.Errorf("%d rows, %d columns: other bits", m, n)
			}
		}
	}
}

// The state of a GRU has the bits of the formula, rounded at each step.
func TestGRUStateRounds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, h := range []int{1, 7, 16, 40, 50} {
		v := make([][]float32, 4)
		for i := range v {
			v[i] = make([]float32, h)
			for j := range v[i] {
				v[i][j] = float32(r.NormFloat64())
			}
		}
		want, sum, got := make([]float32, h), slices.Clone(v[3]), make([]float32, h)
		for i := range want {
			want[i] = v[0][i] + float32(v[1][i]*float32(v[2][i]-v[0][i]))
			sum[i] += float32(v[0][i] * v[1][i])
		}
		mix(got, v[0], v[1], v[2])
		addProduct(v[3], v[0], v[1])
		if !slices.Equal(got, want) || !slices.Equal(v[3], sum) {
			t.Errorf("%d values: other bits", h)
		}
	}
}
