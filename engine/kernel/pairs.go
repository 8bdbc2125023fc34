package kernel

import "unsafe"

// Pairs is a product of matrices of bfloat16, C = A·B, for a caller that rounds
// the operands itself and uses them more than once, as a convolution does its
// image. A word of A and of B holds a pair of numbers that follow each other in
// the inner dimension, the first in the low half. It needs [HasBFloat16].
type Pairs struct {
	M, N, K    int      // C is M×N; K is the number of pairs of one segment
	A          []uint32 // pair (i, k) of segment s is A[i*RowA + s*SegA + k*ColA]
	RowA, ColA int
	Segs, SegA int       // number of segments (0 means 1) and their distance in A
	B          []uint32  // as PackPairs writes it
	C          []float32 // element (i, j) is C[i*RowC + j]
	RowC       int
	Bias       []float32 // N values added to every row; nil for none
	Add        bool      // C += A·B instead of C = A·B; Bias must be nil
	ReLU       bool      // C = max(C, 0) at the end
}

// Run computes C. M, N and K must not be 0.
func (p *Pairs) Run() {
	segs := max(p.Segs, 1)
	_ = p.A[(p.M-1)*p.RowA+(segs-1)*p.SegA+(p.K-1)*p.ColA]
	_ = p.B[(p.N+strip-1)/strip*strip*segs*p.K-1]
	_ = p.C[(p.M-1)*p.RowC+p.N-1]
	// As for float32: as many pairs at a time as fit the cache with a strip of B,
	// whole segments or parts of the only one.
	steps, size := segs, max(blockK/p.K, 1)
	if segs == 1 {
		steps, size = p.K, blockK
	}
	parts := (steps + size - 1) / size
	size = (steps + parts - 1) / parts
	t := tileArgs{rowA: 4 * p.RowA, colA: 4 * p.ColA, jump: 4 * (p.SegA - p.K*p.ColA), rowC: 4 * p.RowC}
	for j := 0; j < p.N; j += strip {
		b := p.B[j*segs*p.K:]
		for at := 0; at < steps; at += size {
			if n := min(size, steps-at); segs == 1 {
				t.k, t.segs = n, 1
				t.a, t.b = unsafe.Pointer(&p.A[at*p.ColA]), unsafe.Pointer(&b[at*strip])
			} else {
				t.k, t.segs = p.K, n
				t.a, t.b = unsafe.Pointer(&p.A[at*p.SegA]), unsafe.Pointer(&b[at*p.K*strip])
			}
			t.c, t.flags, t.bias = unsafe.Pointer(&p.C[j]), 0, nil
			switch {
			case at > 0 || p.Add:
				t.flags = flagAdd
			case p.Bias != nil:
				t.bias = unsafe.Pointer(&p.Bias[j])
			}
			if p.ReLU && at+size >= steps {
				t.flags |= flagReLU
			}
			pairTiles(&t, p.M, min(strip, p.N-j))
		}
	}
}

// PairsPackSize is the number of words that PackPairs writes.
func PairsPackSize(segs, k, n int) int {
	return (n + strip - 1) / strip * strip * segs * ((k + 1) / 2)
}

// PackPairs rounds a matrix of segs times k rows and n columns, whose rows are row
// floats apart, to the B of a product: strips of 32 columns, the last one filled
// with 0. The last row of a segment of odd k is paired with 0.
func PackPairs(dst []uint32, src []float32, segs, k, n, row int) {
	pairs := (k + 1) / 2
	for j := 0; j < n; j += strip {
		to := dst[j*segs*pairs : (j+strip)*segs*pairs]
		cols := min(strip, n-j)
		if cols < strip {
			clear(to)
		}
		for s := range segs {
			for p := range pairs {
				pairColumns(to[(s*pairs+p)*strip:][:cols], src[(s*k+2*p)*row+j:], row, min(k-2*p, 2))
			}
		}
	}
}

// PairNeighbours rounds len(dst) pairs of floats that follow each other.
func PairNeighbours(dst []uint32, src []float32) {
	pairRows(dst, src, 1, 2*len(dst), 2*len(dst))
}

// PairApart rounds every float of src and the one that is distance further on, or
// 0 beyond the end, to a pair. dst is as long as src.
func PairApart(dst []uint32, src []float32, distance int) {
	n := max(len(src)-distance, 0)
	if n > 0 {
		pairColumns(dst[:n], src, distance, 2)
	}
	pairColumns(dst[n:len(src)], src[n:], 0, 1)
}

// Words is the memory of floats, for pairs.
func Words(f []float32) []uint32 {
	if len(f) == 0 {
		return nil
	}
	return unsafe.Slice((*uint32)(unsafe.Pointer(&f[0])), len(f))
}
