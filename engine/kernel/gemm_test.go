package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// gemmBound is the largest error of a product against float64 arithmetic, in
// units of Σ|a·b| + |bias| + |c| of the element.
const gemmBound = 2e-6

func gauss(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

// reference computes one element in float64, and the sum of absolute values.
func reference(g *Gemm, i, j int, c float32) (v, scale float64) {
	for s := range g.segs() {
		for k := range g.K {
			x := float64(g.A[i*g.RowA+s*g.SegA+k*g.ColA]) * float64(g.B[(s*g.K+k)*g.RowB+j*g.colB()])
			v += x
			scale += math.Abs(x)
		}
	}
	if g.Bias != nil {
		v += float64(g.Bias[j])
		scale += math.Abs(float64(g.Bias[j]))
	}
	if g.Add {
		v += float64(c)
		scale += math.Abs(float64(c))
	}
	if g.ReLU {
		v = max(v, 0)
	}
	return v, scale
}

// check runs a product and compares it with the reference; nothing but C's
// elements may change.
func check(t *testing.T, g Gemm) {
	t.Helper()
	before := append([]float32(nil), g.C...)
	g.Run()
	inside := make([]bool, len(g.C))
	for i := range g.M {
		for j := range g.N {
			at := i*g.RowC + j
			inside[at] = true
			want, scale := reference(&g, i, j, before[at])
			if math.Abs(float64(g.C[at])-want) > gemmBound*scale {
				t.Fatalf("%d×%d×%d×%d RowA %d ColA %d ColB %d add %v relu %v: element (%d, %d) is %g, want %g",
					g.M, g.N, g.segs(), g.K, g.RowA, g.ColA, g.ColB, g.Add, g.ReLU, i, j, g.C[at], want)
			}
		}
	}
	for i, v := range g.C {
		if !inside[i] && v != before[i] {
			t.Fatalf("%d×%d×%d: wrote outside C at %d", g.M, g.N, g.K, i)
		}
	}
}

// random makes a product of the given size with everything else at random.
func random(r *rand.Rand, m, n, k int) Gemm {
	g := Gemm{M: m, N: n, K: k, Segs: 1 + r.IntN(2)*r.IntN(3), ReLU: r.IntN(3) == 0}
	total := g.segs() * k
	if r.IntN(2) == 0 {
		g.RowA, g.ColA = total+r.IntN(3), 1
		g.SegA = k
	} else {
		g.RowA, g.ColA = 1, m+r.IntN(3)
		g.SegA = k * g.ColA
	}
	if r.IntN(4) == 0 {
		g.RowB, g.ColB = 1, total+r.IntN(3)
		g.B = gauss(r, n*g.ColB+total)
	} else {
		g.RowB = n + r.IntN(3)
		g.B = gauss(r, total*g.RowB)
	}
	g.A = gauss(r, m*g.RowA+total*g.ColA+m)
	g.RowC = n + r.IntN(20)
	g.Pack = make([]float32, g.PackSize())
	g.C = gauss(r, m*g.RowC)
	switch r.IntN(3) {
	case 0:
		g.Add = true
	case 1:
		g.Bias = gauss(r, n)
	}
	return g
}

func TestGemmEdges(t *testing.T) { everyLevel(t, testGemmEdges) }

func testGemmEdges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, m := range []int{1, 2, 3, 5, 6, 7, 12, 13, 14, 15, 16, 27, 28, 29, 31} {
		for _, n := range []int{1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 65} {
			for _, k := range []int{1, 2, 3, 9, 16, 33} {
				check(t, random(r, m, n, k))
			}
		}
	}
}

func TestGemmLarge(t *testing.T) { everyLevel(t, testGemmLarge) }

func testGemmLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	shapes := [][3]int{{40, 70, 512}, {300, 10, 1000}, {513, 64, 64}, {33, 515, 700}, {200, 130, 257}, {128, 256, 300}, {460, 70, 1024}}
	if testing.Short() {
		shapes = shapes[:3]
	}
	for _, s := range shapes {
		check(t, random(r, s[0], s[1], s[2]))
	}
}

func TestGemmNothing(t *testing.T) {
	c := []float32{1, 2}
	g := Gemm{M: 1, N: 2, K: 0, C: c, RowC: 2, Bias: []float32{3, -4}, ReLU: true}
	g.Run()
	if c[0] != 3 || c[1] != 0 {
		t.Errorf("K = 0: got %v, want the bias alone", c)
	}
	(&Gemm{M: 0, N: 2}).Run()
}

// NaN must not vanish in a ReLU.
func TestGemmKeepsNaN(t *testing.T) { everyLevel(t, testGemmKeepsNaN) }

func testGemmKeepsNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, n := range []int{1, 5, 16, 40} {
		b, c := gauss(rand.New(rand.NewPCG(3, 3)), n), make([]float32, 3*n)
		g := Gemm{M: 3, N: n, K: 1, A: []float32{nan, nan, nan}, RowA: 1, ColA: 1, B: b, RowB: n, C: c, RowC: n, ReLU: true}
		g.Run()
		for i, v := range c {
			if v == v {
				t.Fatalf("n %d: element %d is %g", n, i, v)
			}
		}
	}
}

func TestGemmShortOperandPanics(t *testing.T) {
	ok := Gemm{M: 3, N: 4, K: 5, A: make([]float32, 15), RowA: 5, ColA: 1, B: make([]float32, 20), RowB: 4, C: make([]float32, 12), RowC: 4, Bias: make([]float32, 4)}
	for name, cut := range map[string]func(*Gemm){
		"A":    func(g *Gemm) { g.A = g.A[:14] },
		"B":    func(g *Gemm) { g.B = g.B[:19] },
		"C":    func(g *Gemm) { g.C = g.C[:11] },
		"Bias": func(g *Gemm) { g.Bias = g.Bias[:3] },
		"Pack": func(g *Gemm) { g.RowB, g.ColB = 1, 5 },
	} {
		g := ok
		cut(&g)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s too short: no panic", name)
				}
			}()
			g.Run()
		}()
	}
}

func TestTranspose(t *testing.T) { everyLevel(t, testTranspose) }

func testTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 60 {
		rows, cols := 1+r.IntN(70), 1+r.IntN(70)
		src := gauss(r, rows*(cols+2))
		dst := make([]float32, cols*(rows+1))
		Transpose(dst, rows+1, src, cols+2, rows, cols)
		for i := range rows {
			for j := range cols {
				if dst[j*(rows+1)+i] != src[i*(cols+2)+j] {
					t.Fatalf("%d×%d: element (%d, %d) is wrong", rows, cols, i, j)
				}
			}
		}
		for j := range cols {
			if dst[j*(rows+1)+rows] != 0 {
				t.Fatalf("%d×%d: wrote behind row %d", rows, cols, j)
			}
		}
	}
}
