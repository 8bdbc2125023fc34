package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// everyHalf runs a test with instructions for bfloat16 and without, on each
// level.
func everyHalf(t *testing.T, f func(*testing.T, Format)) {
	everyLevel(t, func(t *testing.T) {
		for _, format := range []Format{BFloat16, Float16} {
			f(t, format)
		}
	})
	if bf16Instructions {
		bf16Instructions = false
		defer func() { bf16Instructions = true }()
		t.Run("emulated", func(t *testing.T) { f(t, BFloat16) })
	}
}

// Products of rounded operands are those of their rounded values, to the bound
// of float32 products, whether rounded by instructions or not.
func TestHalfGemm(t *testing.T) {
	everyHalf(t, func(t *testing.T, format Format) {
		r := rand.New(rand.NewPCG(31, 31))
		for _, m := range []int{1, 2, 7, 14, 15, 29} {
			for _, n := range []int{1, 5, 16, 17, 31, 32, 33, 65} {
				for _, k := range []int{1, 2, 3, 31, 32, 33, 64} {
					checkHalf(t, random(r, m, n, k), format)
				}
			}
		}
		for _, s := range [][3]int{{128, 256, 300}, {33, 70, 1400}, {130, 70, 129}} {
			checkHalf(t, random(r, s[0], s[1], s[2]), format)
		}
	})
}

func checkHalf(t *testing.T, g Gemm, format Format) {
	t.Helper()
	g.Segs, g.Half = 1, format
	g.Pack = make([]float32, g.PackSize())
	for i := range g.Pack {
		g.Pack[i] = float32(math.NaN()) // scratch need not be clean
	}
	want := g
	want.A, want.B = make([]float32, len(g.A)), make([]float32, len(g.B))
	Round(want.A, g.A, format)
	Round(want.B, g.B, format)
	before := append([]float32(nil), g.C...)
	g.Run()
	for i := range g.M {
		for j := range g.N {
			at := i*g.RowC + j
			v, scale := reference(&want, i, j, before[at])
			if math.Abs(float64(g.C[at])-v) > gemmBound*scale {
				t.Fatalf("%d×%d×%d RowA %d ColA %d ColB %d add %v relu %v: element (%d, %d) is %g, want %g",
					g.M, g.N, g.K, g.RowA, g.ColA, g.ColB, g.Add, g.ReLU, i, j, g.C[at], v)
			}
			before[at] = g.C[at]
		}
	}
	if !g.Add { // once more, without a look at B
		clear(g.B)
		g.SameB = true
		g.Run()
	}
	for i, v := range g.C {
		if v != before[i] {
			t.Fatalf("%d×%d×%d: wrote outside C at %d", g.M, g.N, g.K, i)
		}
	}
}

func TestRound(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		f       Format
		v, want float32
	}{
		{BFloat16, 1, 1}, {BFloat16, 1 + 1./256, 1}, {BFloat16, 1 + 3./256, 1 + 4./256}, {BFloat16, -1 - 1.01/256, -1 - 2./256},
		{BFloat16, inf, inf}, {BFloat16, -inf, -inf}, {BFloat16, math.MaxFloat32, inf},
		{Float16, 1, 1}, {Float16, 1 + 1./2048, 1}, {Float16, 1 + 3./2048, 1 + 4./2048}, {Float16, -1 - 1.01/2048, -1 - 2./2048},
		{Float16, 65504, 65504}, {Float16, 65519, 65504}, {Float16, 65520, inf}, {Float16, -1e30, -inf}, {Float16, inf, inf},
		{Float16, 0x1p-24, 0x1p-24}, {Float16, 0x1p-25, 0}, {Float16, 0x1.8p-25, 0x1p-24}, {Float16, 0x1.4p-23, 0x1p-23}, {Float16, 0, 0},
		{Float32, 1 + 0x1p-23, 1 + 0x1p-23},
	} {
		got := make([]float32, 1)
		if Round(got, []float32{c.v}, c.f); got[0] != c.want {
			t.Errorf("format %d: %g becomes %g, want %g", c.f, c.v, got[0], c.want)
		}
	}
	for _, f := range []Format{BFloat16, Float16} {
		for _, v := range []float32{nan, math.Float32frombits(0x7f800001)} {
			got := make([]float32, 1)
			if Round(got, []float32{v}, f); got[0] == got[0] {
				t.Errorf("format %d: NaN becomes %g", f, got[0])
			}
		}
	}
}

// NaN and infinity pass through the instructions too.
func TestHalfKeepsNaN(t *testing.T) {
	everyHalf(t, func(t *testing.T, format Format) {
		for _, bad := range []float32{float32(math.NaN()), math.Float32frombits(0x7f800001), float32(math.Inf(1))} {
			a, b := make([]float32, 3*70), make([]float32, 70*40)
			for i := range b {
				b[i] = 1
			}
			a[70+66] = bad
			g := Gemm{M: 3, N: 40, K: 70, A: a, RowA: 70, ColA: 1, B: b, RowB: 40, C: make([]float32, 120), RowC: 40, Half: format}
			g.Pack = make([]float32, g.PackSize())
			g.Run()
			for i, v := range g.C {
				if row := i / 40; (v-v != 0) != (row == 1) {
					t.Fatalf("format %d, %g: element %d of row %d is %g", format, bad, i%40, row, v)
				}
			}
		}
	})
}
