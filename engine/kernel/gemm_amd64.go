package kernel

import "unsafe"

// tileArgs is what a kernel gets. Distances are in bytes.
type tileArgs struct {
	k, segs    int
	a          unsafe.Pointer
	rowA, colA int
	jump       int // added to the place in A after each segment
	b          unsafe.Pointer
	rowB       int
	c          unsafe.Pointer
	rowC       int
	bias       unsafe.Pointer
	flags      int
	mask       uintptr // AVX-512: bits of the columns; AVX2: address in lanesMask
	copy       unsafe.Pointer
}

const (
	flagAdd  = 1
	flagReLU = 2
)

// lanesMask gives a mask of n < 8 lanes from element 8−n on.
var lanesMask = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// rowVectors are the vectors of the kernel for a single row, which has more sums than
// the others' width under way.
const rowVectors = 8

// tiles covers C with kernels: rows in equal parts of at most the kernels'
// height, columns in two vectors, one vector, and the rest masked. If copied is
// not nil, N is at most strip, and the first kernels copy B there for the others.
func (g *Gemm) tiles(copied unsafe.Pointer) {
	p := tileArgs{
		k: g.K, segs: g.segs(),
		rowA: 4 * g.RowA, colA: 4 * g.ColA, jump: 4 * (g.SegA - g.K*g.ColA),
		rowC: 4 * g.RowC,
	}
	if g.Add {
		p.flags |= flagAdd
	}
	if g.ReLU {
		p.flags |= flagReLU
	}
	height, width := 6, 8
	if use == avx512 {
		height, width = 14, 16
	}
	parts := (g.M + height - 1) / height
	mr := (g.M + parts - 1) / parts
	a, b, c := unsafe.Pointer(&g.A[0]), unsafe.Pointer(&g.B[0]), unsafe.Pointer(&g.C[0])
	for j := 0; j < g.N; {
		if g.M == 1 && copied == nil && g.lines() == 1 && g.N-j >= rowVectors*width {
			p.a, p.b, p.rowB, p.c = a, unsafe.Add(b, 4*j), 4*g.RowB, unsafe.Add(c, 4*j)
			if g.Bias != nil {
				p.bias = unsafe.Pointer(&g.Bias[j])
			}
			j += width * wideRow(&p, (g.N-j)/width)
			continue
		}
		w, nv := min(2*width, g.N-j), 2
		switch {
		case use == avx512:
			nv = (w + width - 1) / width
			p.mask = 1<<w - 1
		case w < width:
			nv = 0
			p.mask = uintptr(unsafe.Pointer(&lanesMask[8-w]))
		case w < 2*width:
			w, nv = width, 1
		}
		p.b, p.rowB = unsafe.Add(b, 4*j), 4*g.RowB
		if g.Bias != nil {
			p.bias = unsafe.Pointer(&g.Bias[j])
		}
		for line := range g.lines() {
			for i := 0; i < g.M; i += mr {
				p.a = unsafe.Add(a, 4*(line*g.LineA+i*g.RowA))
				p.c = unsafe.Add(c, 4*(line*g.LineC+i*g.RowC+j))
				switch rows := min(mr, g.M-i); {
				case copied != nil && i == 0:
					p.copy = unsafe.Add(copied, 4*j)
					if use == avx512 {
						copyTileAVX512(rows, nv, &p)
					} else {
						copyTileAVX2(rows, nv, &p)
					}
					p.b, p.rowB = p.copy, 4*strip
				case use == avx512:
					tileAVX512(rows, nv, &p)
				default:
					tileAVX2(rows, nv, &p)
				}
			}
		}
		j += w
	}
}

// wideRow computes the most vectors of a single row, of which there are so many left, for
// which there is a kernel, and returns their number.
func wideRow(p *tileArgs, left int) int {
	switch {
	case use != avx512:
		tile1x8AVX2(p)
	case left >= 3*rowVectors:
		tile1x24AVX512(p)
		return 3 * rowVectors
	case left >= 2*rowVectors:
		tile1x16AVX512(p)
		return 2 * rowVectors
	default:
		tile1x8AVX512(p)
	}
	return rowVectors
}
