package kernel

import (
	"fmt"
	"math"
	"unsafe"
)

// Panel is the number of columns of B, and of sums, that lie together in products of
// bytes: sums, biases and scales are padded to a multiple of it.
const Panel = 16

// Padded is n rounded up to a multiple of [Panel].
func Padded(n int) int { return (n + Panel - 1) / Panel * Panel }

// ByteProduct is one product of matrices of integers: C = A·B + Bias, where A are unsigned
// bytes, B signed ones and C int32. The sums are exact, modulo 2³², and the same with
// every instruction set.
//
// As in a [Gemm] the inner dimension may consist of several segments, between which A
// jumps.
type ByteProduct struct {
	M    int // C is M × the columns of B
	A    []uint8
	RowA int // element (i, k) of segment s is A[i*RowA + s*SegA + k]
	SegA int
	B    *ByteMatrix
	Bias []int32  // Padded(N) values
	C    []int32  // element (i, j) is C[i*Padded(N) + j]; the columns from N on are not of use
	wide []uint16 // A in words
}

// ByteMatrix is a matrix of signed bytes, laid out for the instruction set in use when
// it was made.
type ByteMatrix struct {
	N     int // columns
	segs  int
	steps int // of 64 bytes of a panel, in a segment
	bytes []int8
	words []int16
	dots  dots
}

// dots is how products of bytes are added.
type dots int

const (
	plainDots dots = iota // plain Go
	wordDots              // AVX2: of words of 16 bits
	halfDots              // AVX-VNNI: 256 bits
	fullDots              // AVX512-VNNI
)

// dotsHere is the best way for the instruction set in use.
func dotsHere() dots {
	switch {
	case use == avx512 && hasFullDots:
		return fullDots
	case use >= avx2 && hasHalfDots:
		return halfDots
	case use >= avx2:
		return wordDots
	}
	return plainDots
}

// each is the number of elements of the inner dimension in a step.
func (d dots) each() int {
	if d == wordDots {
		return 2
	}
	return 4
}

// NewByteMatrix lays out B, whose element (k, j) of segment s is b[(s*inner+k)*n+j].
func NewByteMatrix(b []int8, segs, inner, n int) *ByteMatrix {
	return newByteMatrix(b, segs, inner, n, dotsHere())
}

func newByteMatrix(b []int8, segs, inner, n int, d dots) *ByteMatrix {
	each := d.each()
	m := &ByteMatrix{N: n, segs: segs, steps: (inner + each - 1) / each, dots: d}
	size := Padded(n) * segs * m.steps * each
	if d == wordDots {
		m.words = make([]int16, size)
	} else {
		m.bytes = make([]int8, size)
	}
	for s := range segs {
		for k := range inner {
			for j := range n {
				at := ((j/Panel*segs*m.steps+s*m.steps+k/each)*Panel+j%Panel)*each + k%each
				v := b[(s*inner+k)*n+j]
				if d == wordDots {
					m.words[at] = int16(v)
				} else {
					m.bytes[at] = v
				}
			}
		}
	}
	return m
}

// reach is how many bytes are read of A from the start of a segment of a row on.
func (m *ByteMatrix) reach() int { return m.steps * m.dots.each() }

// byteArgs is what a kernel gets. Distances are in bytes.
type byteArgs struct {
	k, segs    int // steps of a segment
	a          unsafe.Pointer
	rowA, jump int
	b          unsafe.Pointer
	panel      int
	c          unsafe.Pointer
	rowC       int
	bias       unsafe.Pointer
}

// Slack is how many bytes A must have behind those that count; their values do not matter.
const Slack = 16

// Run computes C.
func (g *ByteProduct) Run() {
	if g.M <= 0 || g.B.N == 0 {
		return
	}
	m := g.B
	span := (g.M-1)*g.RowA + (m.segs-1)*g.SegA + m.reach()
	if len(g.A) < span || len(g.Bias) < Padded(m.N) || len(g.C) < g.M*Padded(m.N) {
		panic(fmt.Sprintf("kernel: ByteProduct: A has %d bytes and needs %d, Bias %d and %d, C %d and %d",
			len(g.A), span, len(g.Bias), Padded(m.N), len(g.C), g.M*Padded(m.N)))
	}
	if m.dots == plainDots {
		g.plain()
		return
	}
	a, size := unsafe.Pointer(&g.A[0]), 1
	if m.dots == wordDots {
		size = 2
		if n := (span + 15) / 16 * 16; len(g.wide) < n {
			g.wide = make([]uint16, n)
		}
		n := span / 16
		if n > 0 {
			widenBytes(&g.wide[0], &g.A[0], n)
		}
		for i := 16 * n; i < span; i++ {
			g.wide[i] = uint16(g.A[i])
		}
		a = unsafe.Pointer(&g.wide[0])
	}
	rowC := 4 * Padded(m.N)
	p := byteArgs{
		k: m.steps, segs: m.segs, rowA: size * g.RowA, jump: size*g.SegA - 4*m.steps,
		panel: 64 * m.segs * m.steps, rowC: rowC,
	}
	b := unsafe.Pointer(unsafe.SliceData(m.bytes))
	if m.dots == wordDots {
		b = unsafe.Pointer(unsafe.SliceData(m.words))
	}
	panels := Padded(m.N) / Panel
	for j := 0; j < panels; {
		nv, most := m.dots.tile(panels-j, g.M)
		p.b = unsafe.Add(b, j*p.panel)
		p.bias = unsafe.Pointer(&g.Bias[j*Panel])
		parts := (g.M + most - 1) / most
		mr := (g.M + parts - 1) / parts
		for i := 0; i < g.M; i += mr {
			p.a = unsafe.Add(a, i*p.rowA)
			p.c = unsafe.Pointer(&g.C[i*Padded(m.N)+j*Panel])
			m.dots.run(min(mr, g.M-i), nv, &p)
		}
		j += nv
	}
}

// tile is the number of panels of the next tiles, and of their rows at most, where so
// many panels are left and there are so many rows.
func (d dots) tile(panels, rows int) (nv, most int) {
	if d != fullDots {
		if panels >= 2 && rows <= 4 {
			return 2, 2
		}
		return 1, 5
	}
	switch {
	case panels >= 8 && rows <= 2:
		return 8, 2
	case panels >= 4:
		return 4, 6
	case panels >= 2:
		return 2, 12
	}
	return 1, 14
}

// plain is the product in plain Go.
func (g *ByteProduct) plain() {
	m, n := g.B, Padded(g.B.N)
	for i := range g.M {
		c := g.C[i*n : (i+1)*n]
		copy(c, g.Bias)
		for s := range m.segs {
			a := g.A[i*g.RowA+s*g.SegA:][:m.reach()]
			for j := 0; j < n; j += Panel {
				sum := c[j : j+Panel]
				b := m.bytes[(j/Panel*m.segs+s)*m.steps*4*Panel:]
				for k := 0; k < len(a); k += 4 {
					a0, a1, a2, a3 := int32(a[k]), int32(a[k+1]), int32(a[k+2]), int32(a[k+3])
					for l := range sum {
						w := b[4*l : 4*l+4]
						sum[l] += a0*int32(w[0]) + a1*int32(w[1]) + a2*int32(w[2]) + a3*int32(w[3])
					}
					b = b[4*Panel:]
				}
			}
		}
	}
}

// Codes is how floats become bytes: a code q stands for Scale·(q − Zero). Low is the
// least code: Zero where a ReLU is part of the step, else 0.
type Codes struct {
	Scale     float32
	Zero, Low uint8
}

// bounds are the least and the largest value before Zero is added.
func (c Codes) bounds() [3]float32 {
	return [3]float32{float32(int(c.Low) - int(c.Zero)), float32(255 - int(c.Zero)), c.Scale}
}

// code is the code of a value in units of the scale: rounded half to even. It is least
// for NaN.
func (c Codes) code(v float32) uint8 {
	b := c.bounds()
	if !(v > b[0]) {
		v = b[0]
	}
	if v > b[1] {
		v = b[1]
	}
	return uint8(int32(math.RoundToEven(float64(v))) + int32(c.Zero))
}

// Quantize writes the codes of x.
func (c Codes) Quantize(dst []uint8, x []float32) {
	dst = dst[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		b, zero := c.bounds(), int32(c.Zero)
		quantizeVectors(&dst[0], &x[0], v, &b[0], &zero)
		dst, x = dst[n:], x[n:]
	}
	for i, v := range x {
		dst[i] = c.code(v / c.Scale)
	}
}

// Dequantize writes the values of codes.
func (c Codes) Dequantize(dst []float32, q []uint8) {
	for i, v := range q {
		dst[i] = float32(int32(v)-int32(c.Zero)) * c.Scale
	}
}

// Requantize writes the codes of a row of sums: round(sum·scale) + Zero. len(dst) is the
// number of columns; the products are in float32.
func (c Codes) Requantize(dst []uint8, sums []int32, scale []float32) {
	n := len(dst)
	sums, scale = sums[:n], scale[:n]
	done := 0
	if v, all := whole(n); v > 0 {
		b, zero := c.bounds(), int32(c.Zero)
		requantizeVectors(&dst[0], &sums[0], &scale[0], v, &b[0], &zero)
		done = all
	}
	for i := done; i < n; i++ {
		dst[i] = c.code(float32(sums[i]) * scale[i])
	}
}

// Unquantize writes sum·scale of a row of sums.
func Unquantize(dst []float32, sums []int32, scale []float32) {
	n := len(dst)
	sums, scale = sums[:n], scale[:n]
	done := 0
	if v, all := whole(n); v > 0 {
		unquantizeVectors(&dst[0], &sums[0], &scale[0], v)
		done = all
	}
	for i := done; i < n; i++ {
		dst[i] = float32(sums[i]) * scale[i]
	}
}
