package kernel

import (
	"fmt"
	"math"
	"unsafe"
)

// Format is a number format that the operands of a product are rounded to.
type Format int

// The formats. Rounding is to nearest, ties to even.
const (
	Float32  Format = iota // as they are
	BFloat16               // 8 bits of exponent, 8 of precision
	Float16                // IEEE half precision: 5 bits of exponent, 11 of precision
)

// HasBFloat16 reports whether products in bfloat16 use instructions for it (on
// processors with AVX512_BF16) and gain time by it. Elsewhere, and for float16,
// the operands are rounded and multiplied in float32: the same results, except for
// the order of the sums and for numbers below 2⁻¹²⁶, which the instructions take
// for 0.
func HasBFloat16() bool { return use == avx512 && bf16Instructions && !plain }

// halfPackSize is PackSize for a product with rounded operands: the operands, and
// what the product of the rounded ones needs.
func (g *Gemm) halfPackSize() int {
	pairs := (g.K + 1) / 2
	size := pairs*g.M + PairsPackSize(1, g.K, g.N) + pairs*strip
	round := g.rounded(nil, nil)
	return max(size, g.M*g.K+g.K*g.N+round.PackSize())
}

// half computes C from rounded operands.
func (g *Gemm) half() {
	if g.segs() > 1 || len(g.Pack) < g.halfPackSize() {
		panic(fmt.Sprintf("kernel: Gemm: %d segments and %d values of Pack; a product of rounded operands has one and needs %d", g.segs(), len(g.Pack), g.halfPackSize()))
	}
	if g.Half == BFloat16 && HasBFloat16() {
		g.pairs()
		return
	}
	a, rest := g.Pack[:g.M*g.K], g.Pack[g.M*g.K:]
	b, pack := rest[:g.K*g.N], rest[g.K*g.N:]
	outer, inner, rowA := g.M, g.K, g.RowA
	if g.ColA != 1 {
		outer, inner, rowA = g.K, g.M, g.ColA
	}
	for i := range outer {
		Round(a[i*inner:(i+1)*inner], g.A[i*rowA:], g.Half)
	}
	if !g.SameB {
		outer, inner, rowB := g.K, g.N, g.RowB
		if g.colB() != 1 {
			outer, inner, rowB = g.N, g.K, g.ColB
		}
		for i := range outer {
			Round(b[i*inner:(i+1)*inner], g.B[i*rowB:], g.Half)
		}
	}
	r := g.rounded(a, b)
	r.Pack = pack[:r.PackSize()]
	r.Run()
}

// rounded is the product of the rounded operands, which lie close together.
func (g *Gemm) rounded(a, b []float32) Gemm {
	r := *g
	r.Half, r.A, r.B = Float32, a, b
	r.RowA, r.ColA = g.K, 1
	if g.ColA != 1 {
		r.RowA, r.ColA = 1, g.M
	}
	r.RowB = g.N
	if g.colB() != 1 {
		r.RowB, r.ColB = 1, g.K
	}
	return r
}

// Round writes the first len(dst) values of src, rounded to a format.
func Round(dst, src []float32, f Format) {
	src = src[:len(dst)]
	switch f {
	case BFloat16:
		for i, v := range src {
			dst[i] = math.Float32frombits(uint32(BFloat16Bits(v)) << 16)
		}
	case Float16:
		for i, v := range src {
			dst[i] = roundFloat16(v)
		}
	default:
		copy(dst, src)
	}
}

// BFloat16Bits is the bfloat16 number nearest to v, ties to even.
func BFloat16Bits(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40 // quiet, and not infinity
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// roundFloat16 rounds by adding a number so large that the digits beyond the
// format's precision fall off; from 65520 on the result is infinite.
func roundFloat16(v float32) float32 {
	a := max(v, -v)
	if !(a < 65520) {
		return v * float32(math.Inf(1)) // infinity, or NaN
	}
	// The distance of the format's numbers around a is 2^(e−10), at least 2⁻²⁴;
	// 1.5·2^(e+13) has that of float32.
	e := max(int(math.Float32bits(a)>>23)-127, -14)
	magic := math.Float32frombits(uint32(e+13+127)<<23 | 1<<22)
	return v + magic - magic
}

// pairs computes C from pairs of bfloat16: A is rounded as it lies, B to strips
// of 32 columns.
func (g *Gemm) pairs() {
	if g.K == 0 {
		g.generic()
		return
	}
	n := (g.K + 1) / 2
	words := Words(g.Pack)
	a, b := words[:n*g.M], words[n*g.M:]
	packed := PairsPackSize(1, g.K, g.N)
	b, spare := b[:packed], b[packed:]
	p := Pairs{M: g.M, N: g.N, K: n, A: a, RowA: n, ColA: 1, B: b, C: g.C, RowC: g.RowC, Bias: g.Bias, Add: g.Add, ReLU: g.ReLU}
	if g.ColA == 1 {
		pairRows(a, g.A, g.M, g.K, g.RowA)
	} else {
		for k := range n {
			pairColumns(a[k*g.M:(k+1)*g.M], g.A[2*k*g.ColA:], g.ColA, min(g.K-2*k, 2))
		}
		p.RowA, p.ColA = 1, g.M
	}
	switch {
	case g.SameB:
	case g.colB() == 1:
		PackPairs(b, g.B, 1, g.K, g.N, g.RowB)
	default:
		for j := 0; j < g.N; j += strip {
			cols := min(strip, g.N-j)
			to := b[j*n : (j+strip)*n]
			if cols < strip {
				clear(to)
			}
			pairRows(spare[:cols*n], g.B[j*g.ColB:], cols, g.K, g.ColB)
			transposeWords(to, strip, spare, n, cols, n)
		}
	}
	p.Run()
}

// pairRows rounds rows of cols floats, stride apart, to rows of ⌈cols/2⌉ pairs.
func pairRows(dst []uint32, src []float32, rows, cols, stride int) {
	if stride == cols && cols%2 == 0 {
		rows, cols = 1, rows*cols
	}
	n := (cols + 1) / 2
	for i := range rows {
		to, from := dst[i*n:(i+1)*n], src[i*stride:i*stride+cols]
		if v := cols / 32; v > 0 {
			pairRowsVectors(&to[0], &from[0], v)
			to, from = to[16*v:], from[32*v:]
		}
		for k := range to {
			w := uint32(BFloat16Bits(from[2*k]))
			if 2*k+1 < len(from) {
				w |= uint32(BFloat16Bits(from[2*k+1])) << 16
			}
			to[k] = w
		}
	}
}

// pairColumns rounds a row of floats and the one below it, stride further on, to
// len(dst) pairs; with rows 1 there is none below.
func pairColumns(dst []uint32, src []float32, stride, rows int) {
	if rows == 1 {
		for i := range dst {
			dst[i] = uint32(BFloat16Bits(src[i]))
		}
		return
	}
	a, b := src[:len(dst)], src[stride:stride+len(dst)]
	if v := len(dst) / 16; v > 0 {
		pairColumnsVectors(&dst[0], &a[0], &b[0], v)
		dst, a, b = dst[16*v:], a[16*v:], b[16*v:]
	}
	for i := range dst {
		dst[i] = uint32(BFloat16Bits(a[i])) | uint32(BFloat16Bits(b[i]))<<16
	}
}

// transposeWords is [Transpose] of words of 32 bits.
func transposeWords(dst []uint32, rowDst int, src []uint32, rowSrc, rows, cols int) {
	d := unsafe.Slice((*float32)(unsafe.Pointer(&dst[0])), len(dst))
	s := unsafe.Slice((*float32)(unsafe.Pointer(&src[0])), len(src))
	Transpose(d, rowDst, s, rowSrc, rows, cols)
}
