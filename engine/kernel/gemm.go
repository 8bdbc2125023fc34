package kernel

import "fmt"

// Gemm is one product of matrices, C = A·B, with what usually follows it. It is
// prepared once and run for every batch.
//
// Rows and columns of A and B may lie at any distance, so that transposed
// operands need no copy by the caller. The inner dimension may consist of
// several segments, between which A jumps: that is how a convolution reads the
// rows of its window without an im2col copy.
type Gemm struct {
	M, N, K    int       // C is M×N; K is the inner dimension of one segment
	A          []float32 // element (i, k) of segment s is A[i*RowA + s*SegA + k*ColA]
	RowA, ColA int
	Segs, SegA int       // number of segments (0 means 1) and their distance in A
	B          []float32 // element (k, j) of segment s is B[(s*K+k)*RowB + j*ColB]
	RowB, ColB int       // ColB 0 means 1
	C          []float32 // element (i, j) is C[i*RowC + j]
	RowC       int
	Bias       []float32 // N values added to every row; nil for none
	Add        bool      // C += A·B instead of C = A·B; Bias must be nil
	ReLU       bool      // C = max(C, 0) at the end
	Pack       []float32 // scratch of at least PackSize() values
}

// PackSize is the number of values that Pack needs for any M.
func (g *Gemm) PackSize() int {
	if g.colB() != 1 {
		return g.segs() * g.K * g.N
	}
	return 0
}

// Run computes C. Nothing is done if M or N is 0.
func (g *Gemm) Run() {
	if g.M <= 0 || g.N <= 0 {
		return
	}
	g.check()
	b, rowB := g.B, g.RowB
	if g.colB() != 1 {
		b, rowB = g.Pack, g.N
		Transpose(b, g.N, g.B, g.colB(), g.N, g.segs()*g.K)
	}
	g.generic(b, rowB)
}

func (g *Gemm) segs() int { return max(g.Segs, 1) }
func (g *Gemm) colB() int { return max(g.ColB, 1) }

// check panics if an operand is too short for its dimensions.
func (g *Gemm) check() {
	k := g.segs() * g.K
	if k > 0 {
		_ = g.A[(g.M-1)*g.RowA+(g.segs()-1)*g.SegA+(g.K-1)*g.ColA]
		_ = g.B[(k-1)*g.RowB+(g.N-1)*g.colB()]
	}
	_ = g.C[(g.M-1)*g.RowC+g.N-1]
	if g.Bias != nil {
		_ = g.Bias[g.N-1]
	}
	if g.colB() != 1 && (g.RowB != 1 || len(g.Pack) < g.PackSize()) {
		panic(fmt.Sprintf("kernel: Gemm: B with columns %d apart needs rows 1 apart, not %d, and %d values of Pack, not %d",
			g.ColB, g.RowB, g.PackSize(), len(g.Pack)))
	}
}

// Transpose writes dst[j*rowDst+i] = src[i*rowSrc+j] for i < rows, j < cols.
func Transpose(dst []float32, rowDst int, src []float32, rowSrc, rows, cols int) {
	const tile = 8
	for i0 := 0; i0 < rows; i0 += tile {
		i1 := min(i0+tile, rows)
		for j0 := 0; j0 < cols; j0 += tile {
			j1 := min(j0+tile, cols)
			for i := i0; i < i1; i++ {
				s := src[i*rowSrc+j0 : i*rowSrc+j1]
				d := dst[j0*rowDst+i:]
				for j, v := range s {
					d[j*rowDst] = v
				}
			}
		}
	}
}
