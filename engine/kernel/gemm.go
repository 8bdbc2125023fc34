package kernel

import (
	"fmt"
	"unsafe"
)

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
	RowB, ColB int       // ColB 0 means 1; else RowB must be 1
	C          []float32 // element (i, j) is C[i*RowC + j]
	RowC       int
	Lines      int       // so many products with the same B (0 means 1), whose A and C are
	LineA      int       // these distances apart, as rows of an image are; Pack must be nil,
	LineC      int       // and Half float32
	Bias       []float32 // N values added to every row; nil for none
	Add        bool      // C += A·B instead of C = A·B; Bias must be nil
	ReLU       bool      // C = max(C, 0) at the end
	Pack       []float32 // scratch of PackSize() values; without it large products are slower, and ColB must be 1
	Half       Format    // A and B are rounded to it first; Segs must be 1, and Pack is needed
	SameB      bool      // with Half: B, M and Pack are those of the run before, whose rounded B is used again
}

// Large products go in blocks: strips of B, blockK×strip, are copied so that
// they lie together in the first-level cache while all of A passes by.
const (
	strip   = 32
	blockK  = 256
	blockM  = 14 * 16
	spreadA = 16 // added to the distance of copied rows of A, so that they do not compete for cache sets
)

// PackSize is the number of values of Pack that a product of these dimensions,
// or one with fewer rows, needs.
func (g *Gemm) PackSize() int {
	if g.Half != Float32 {
		return g.halfPackSize()
	}
	size := 0
	if g.packsB() {
		size = strip * min(g.K, blockK)
	}
	if g.packsA() {
		size = strip*blockK + min(g.M, blockM)*(min(g.K, blockK)+spreadA)
	}
	return size
}

// packsB reports whether strips of B are copied: if its columns are apart, or it
// is too large for the cache and used often enough.
func (g *Gemm) packsB() bool {
	return g.colB() != 1 || g.segs()*g.K*g.N > 16<<10 && g.M > 28 && g.N > 1
}

// packsA reports whether rows of A are copied: if their distance is such that they
// compete for cache sets.
func (g *Gemm) packsA() bool {
	return g.packsB() && g.ColA == 1 && g.RowA%512 == 0 && g.M >= 14 && g.N > 2*strip && g.K > 64
}

// Run computes C. Nothing is done if M or N is 0.
func (g *Gemm) Run() {
	if g.M <= 0 || g.N <= 0 {
		return
	}
	g.check()
	if g.Half != Float32 {
		g.half()
		return
	}
	if len(g.Pack) > 0 && g.packsB() && g.segs()*g.K > 0 {
		g.blocked()
	} else {
		g.direct()
	}
}

// direct computes C from B as it is; B's columns are 1 apart.
func (g *Gemm) direct() {
	if use != generic && g.segs()*g.K > 0 {
		g.tiles(nil)
		return
	}
	part := *g
	for line := range g.lines() {
		part.A, part.C = g.A[line*g.LineA:], g.C[line*g.LineC:]
		part.generic()
	}
}

// blocked computes C block by block of the inner dimension, in equal blocks.
func (g *Gemm) blocked() {
	parts := (g.K + blockK - 1) / blockK
	size := (g.K + parts - 1) / parts
	for s := range g.segs() {
		for k := 0; k < g.K; k += size {
			g.block(s, k, min(size, g.K-k))
		}
	}
}

// block adds the product of the inner indices k up to k+size of segment s.
func (g *Gemm) block(s, k, size int) {
	part := Gemm{
		M: g.M, K: size, A: g.A[s*g.SegA+k*g.ColA:], RowA: g.RowA, ColA: g.ColA,
		RowC: g.RowC,
		Add:  g.Add || s > 0 || k > 0,
		ReLU: g.ReLU && s == g.segs()-1 && k+size == g.K,
	}
	copied := g.packsA()
	rows := g.M
	if copied {
		rows = blockM
	}
	for i := 0; i < g.M; i += rows {
		part.M = min(rows, g.M-i)
		part.A = g.A[i*g.RowA+s*g.SegA+k*g.ColA:]
		if copied {
			part.A, part.RowA = g.copyA(part.A, part.M, size), size+spreadA
		}
		for j := 0; j < g.N; j += strip {
			part.N = min(strip, g.N-j)
			part.C = g.C[i*g.RowC+j:]
			if g.Bias != nil && !part.Add {
				part.Bias = g.Bias[j : j+part.N]
			}
			g.strip(&part, s*g.K+k, j)
		}
	}
}

// copyA copies rows of A behind the strip of B in Pack.
func (g *Gemm) copyA(a []float32, rows, size int) []float32 {
	to := g.Pack[strip*blockK:]
	for i := range rows {
		copy(to[i*(size+spreadA):][:size], a[i*g.RowA:])
	}
	return to
}

// strip computes a part whose B is a strip of columns from (k, j) on, copied to
// Pack.
func (g *Gemm) strip(part *Gemm, k, j int) {
	switch {
	case g.colB() != 1:
		part.B, part.RowB = g.Pack, strip
		Transpose(part.B, strip, g.B[k+j*g.ColB:], g.ColB, part.N, part.K)
		part.direct()
	case use == generic:
		part.B, part.RowB = g.Pack, strip
		for i := range part.K {
			copy(part.B[i*strip:][:part.N], g.B[(k+i)*g.RowB+j:])
		}
		part.direct()
	default:
		part.B, part.RowB = g.B[k*g.RowB+j:], g.RowB
		part.tiles(unsafe.Pointer(&g.Pack[0]))
	}
}

func (g *Gemm) segs() int  { return max(g.Segs, 1) }
func (g *Gemm) colB() int  { return max(g.ColB, 1) }
func (g *Gemm) lines() int { return max(g.Lines, 1) }

// check panics if an operand is too short for its dimensions.
func (g *Gemm) check() {
	k := g.segs() * g.K
	lines := g.lines() - 1
	if k > 0 {
		_ = g.A[lines*g.LineA+(g.M-1)*g.RowA+(g.segs()-1)*g.SegA+(g.K-1)*g.ColA]
		_ = g.B[(k-1)*g.RowB+(g.N-1)*g.colB()]
	}
	_ = g.C[lines*g.LineC+(g.M-1)*g.RowC+g.N-1]
	if lines > 0 && (len(g.Pack) > 0 || g.Half != Float32) {
		panic("kernel: Gemm: there are several lines and Pack or Half")
	}
	if g.Bias != nil {
		_ = g.Bias[g.N-1]
	}
	n := g.PackSize()
	if g.colB() != 1 && (g.RowB != 1 || len(g.Pack) == 0) || len(g.Pack) > 0 && len(g.Pack) < n {
		panic(fmt.Sprintf("kernel: Gemm: Pack has %d values and needs %d; B's rows are %d and its columns %d apart, one must be 1",
			len(g.Pack), n, g.RowB, g.colB()))
	}
}
