package main

import "fmt"

// transpose writes the function that transposes a square tile in registers.
// With AVX-512 the tile may have fewer rows and columns, both at least 1.
func transpose(f *file) {
	f.choice("transposeTile", "writes the transpose of a tile; AVX2 takes whole tiles only, whatever rows and cols are.",
		"dst *float32", "src *float32", "rowDst int", "rowSrc int", "rows int", "cols int")
	if f.wide() {
		f.transpose16()
	} else {
		f.transpose8()
	}
	f.end()
}

// pairs interleaves registers a+i and a+i+1 into to+i and to+i+1 (first floats,
// then pairs of floats: distance 1, then 2), in groups of four.
func (f *file) pairs(from, to, n int) {
	for q := 0; q < n; q += 4 {
		f.op("VUNPCKLPS", from+q+1, from+q, to+q)
		f.op("VUNPCKHPS", from+q+1, from+q, to+q+1)
		f.op("VUNPCKLPS", from+q+3, from+q+2, to+q+2)
		f.op("VUNPCKHPS", from+q+3, from+q+2, to+q+3)
	}
	// Now each quarter holds 2×2 blocks; back come rows of four values a lane.
	for q := 0; q < n; q += 4 {
		f.op("VUNPCKLPD", to+q+2, to+q, from+q)
		f.op("VUNPCKHPD", to+q+2, to+q, from+q+1)
		f.op("VUNPCKLPD", to+q+3, to+q+1, from+q+2)
		f.op("VUNPCKHPD", to+q+3, to+q+1, from+q+3)
	}
}

func (f *file) transpose16() {
	// K1: columns to read, K2: rows to write. CX is a shift count.
	f.i("MOVQ CX, R10")
	for _, m := range []struct{ count, mask string }{{"R9", "K1"}, {"R8", "K2"}} {
		f.i("MOVQ %s, CX", m.count)
		f.i("MOVL $1, AX")
		f.i("SHLL CX, AX")
		f.i("DECL AX")
		f.i("KMOVW AX, %s", m.mask)
	}
	// Rows beyond the last read the last one again.
	f.i("XORL R11, R11")
	for r := range 16 {
		f.op("VMOVUPS.Z", "(SI)", "K1", r)
		if r < 15 {
			f.i("DECQ R8")
			f.i("CMOVQLE R11, R10")
			f.i("ADDQ R10, SI")
		}
	}
	f.pairs(0, 16, 16)
	for half := range 2 {
		for c := range 4 {
			f.op("VSHUFF32X4", "$0x88", 8*half+c+4, 8*half+c, 16+8*half+c)
			f.op("VSHUFF32X4", "$0xdd", 8*half+c+4, 8*half+c, 16+8*half+c+4)
		}
	}
	for c := range 8 {
		f.op("VSHUFF32X4", "$0x88", 24+c, 16+c, c)
		f.op("VSHUFF32X4", "$0xdd", 24+c, 16+c, c+8)
	}
	for c := range 16 {
		f.op("VMOVUPS", c, "K2", "(DI)")
		if c < 15 {
			f.i("DECQ R9")
			f.i("JZ done")
			f.i("ADDQ DX, DI")
		}
	}
	f.label("done")
}

func (f *file) transpose8() {
	for r := range 8 {
		f.load("(SI)", r)
		if r < 7 {
			f.i("ADDQ CX, SI")
		}
	}
	f.pairs(0, 8, 8)
	for c := range 8 {
		imm := 0x20
		if c >= 4 {
			imm = 0x31
		}
		f.op("VPERM2F128", fmt.Sprintf("$%#x", imm), c%4+4, c%4, 8)
		f.store(8, "(DI)")
		if c < 7 {
			f.i("ADDQ DX, DI")
		}
	}
}
