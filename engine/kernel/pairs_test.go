package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Products of pairs are those of the rounded values, for every edge of tiles,
// strips, segments and odd inner dimensions.
func TestPairs(t *testing.T) {
	if !HasBFloat16() {
		t.Skip("no instructions for bfloat16")
	}
	r := rand.New(rand.NewPCG(37, 41))
	for range 300 {
		m, n, k, segs := 1+r.IntN(31), 1+r.IntN(70), 1+r.IntN(40), 1+r.IntN(20)
		g := random(r, m, n, k)
		g.Segs, g.ColB, g.RowB = segs, 1, n+r.IntN(3)
		g.B = gauss(r, (segs*k-1)*g.RowB+n)
		apart := r.IntN(2) == 0
		p := Pairs{M: m, N: n, K: (k + 1) / 2, Segs: segs, C: append([]float32(nil), g.C...), RowC: g.RowC, Bias: g.Bias, Add: g.Add, ReLU: g.ReLU}
		if apart { // pairs of rows of a transposed A, as the gradient of weights reads them
			g.RowA, g.ColA = 1, m+r.IntN(3)
			g.SegA = k*g.ColA + r.IntN(3)
			g.A = gauss(r, (segs-1)*g.SegA+k*g.ColA)
			p.A = make([]uint32, len(g.A))
			PairApart(p.A, g.A, g.ColA)
			p.RowA, p.ColA, p.SegA = 1, 2*g.ColA, g.SegA
		} else {
			k += k % 2
			g.K, p.K = k, k/2
			g.B = gauss(r, (segs*k-1)*g.RowB+n)
			g.RowA, g.ColA = 2*(1+r.IntN(k)), 1 // rows of A overlap, as windows do
			g.SegA = 2 * r.IntN(2*k)
			g.A = gauss(r, (m-1)*g.RowA+(segs-1)*g.SegA+k)
			p.A = make([]uint32, len(g.A)/2)
			PairNeighbours(p.A, g.A)
			p.RowA, p.ColA, p.SegA = g.RowA/2, 1, g.SegA/2
		}
		p.B = make([]uint32, PairsPackSize(segs, k, n))
		for i := range p.B {
			p.B[i] = 0x7fc07fc0 // NaN: all of it is written
		}
		PackPairs(p.B, g.B, segs, k, n, g.RowB)
		Round(g.A, g.A, BFloat16)
		Round(g.B, g.B, BFloat16)
		p.Run()
		for i := range m {
			for j := range n {
				at := i*g.RowC + j
				want, scale := reference(&g, i, j, g.C[at])
				if math.Abs(float64(p.C[at])-want) > gemmBound*scale {
					t.Fatalf("%d×%d×%d, %d segments, apart %v: element (%d, %d) is %g, want %g", m, n, k, segs, apart, i, j, p.C[at], want)
				}
				p.C[at] = g.C[at]
			}
		}
		for i, v := range p.C {
			if v != g.C[i] {
				t.Fatalf("%d×%d×%d: wrote outside C at %d", m, n, k, i)
			}
		}
	}
}
