package main

import (
	"fmt"
	"strings"
)

// bf16 writes the kernels for processors with AVX512_BF16, whose instructions
// the assembler does not know. A pair is two bfloat16 that follow each other in
// the inner dimension, in 32 bits.
//
// A tile is mr rows by 16 or 32 columns of C. Registers: AX arguments, SI and DI
// rows 0–6 and 7–13 of A, R8 R9 R10 one, three and five times the distance of
// rows, R11 distance of pairs, BX B, whose rows are 32 pairs, CX R15 pairs of a
// segment, R12 segments, R13 jump of A between segments.
func bf16(f *file) {
	if !f.wide() {
		return
	}
	f.pairRows()
	f.pairColumns()
	var names []string
	for mr := 1; mr <= 14; mr++ {
		for nv := 1; nv <= 2; nv++ {
			t := tile{file: f, mr: mr, nv: nv, masked: true}
			name := fmt.Sprintf("pairTile%dx%d", mr, nv)
			names = append(names, fmt.Sprintf("\tcase %d:\n\t\t%sAVX512(p)\n", 4*mr+nv, name))
			t.pairs(name)
		}
	}
	fmt.Fprintf(&f.decl, "\n// pairTile runs the kernel of mr rows and nv vectors of pairs.\nfunc pairTile(mr, nv int, p *tileArgs) {\n\tswitch 4*mr + nv {\n%s\t}\n}\n", strings.Join(names, ""))
}

// evex writes an instruction of map 0F38 on three 512-bit registers.
func (f *file) evex(name string, prefix, opcode, rm, v, dst int) {
	not := func(x, bit int) int { return 1 - x>>bit&1 }
	bytes := []int{
		0x62,
		not(dst, 3)<<7 | not(rm, 4)<<6 | not(rm, 3)<<5 | not(dst, 4)<<4 | 2,
		(^v&15)<<3 | 1<<2 | prefix,
		0x40 | not(v, 4)<<3,
		opcode,
		0xc0 | dst&7<<3 | rm&7,
	}
	var s []string
	for _, b := range bytes {
		s = append(s, fmt.Sprintf("BYTE $%#02x", b))
	}
	f.i("%s // %s Z%d, Z%d, Z%d", strings.Join(s, "; "), name, rm, v, dst)
}

// dot adds to dst the products of the pairs of two registers.
func (f *file) dot(a, b, dst int) { f.evex("VDPBF16PS", 2, 0x52, a, b, dst) }

// pairRows writes the function that rounds floats that follow each other.
func (f *file) pairRows() {
	f.function("pairRows", "rounds n times 32 floats to 16 pairs of neighbours.", "dst *uint32", "src *float32", "n int")
	f.label("loop")
	f.load("(SI)", 0)
	f.load("64(SI)", 1)
	f.evex("VCVTNE2PS2BF16", 3, 0x72, 0, 1, 2)
	f.store(2, "(DI)")
	f.i("ADDQ $128, SI")
	f.i("ADDQ $64, DI")
	f.i("DECQ DX")
	f.i("JNZ loop")
	f.end()
}

// pairColumns writes the function that rounds two rows into pairs of one above
// the other.
func (f *file) pairColumns() {
	f.function("pairColumns", "rounds two rows of n times 16 floats to pairs, a first.", "dst *uint32", "a *float32", "b *float32", "n int")
	f.label("loop")
	f.load("(SI)", 0)
	f.load("(DX)", 1)
	f.evex("VCVTNE2PS2BF16", 3, 0x72, 0, 1, 2) // a in the low half, b in the high
	f.i("VPMOVZXWD Y2, Z3")
	f.i("VEXTRACTI64X4 $1, Z2, Y4")
	f.i("VPMOVZXWD Y4, Z4")
	f.op("VPSLLD", "$16", 4, 4)
	f.op("VPORD", 3, 4, 3)
	f.store(3, "(DI)")
	f.i("ADDQ $64, SI")
	f.i("ADDQ $64, DX")
	f.i("ADDQ $64, DI")
	f.i("DECQ CX")
	f.i("JNZ loop")
	f.end()
}

// pairs writes the tile, like write for floats.
func (t tile) pairs(name string) {
	t.function(name, "computes a tile of C from pairs.", "p *tileArgs")
	t.i("MOVQ DI, AX")
	for _, l := range []struct {
		off int
		reg string
	}{{argK, "R15"}, {argSegs, "R12"}, {argA, "SI"}, {argRowA, "R8"}, {argColA, "R11"}, {argJump, "R13"}, {argB, "BX"}} {
		t.i("MOVQ %d(AX), %s", l.off, l.reg)
	}
	t.i("LEAQ (R8)(R8*2), R9")
	t.i("LEAQ (R8)(R8*4), R10")
	if t.mr > 7 {
		t.i("LEAQ (SI)(R8*1), DI")
		t.i("LEAQ (DI)(R9*2), DI")
	}
	t.i("MOVQ %d(AX), CX", argMask)
	t.i("KMOVW CX, K1")
	t.i("SHRQ $16, CX")
	t.i("KMOVW CX, K2")
	for i := range t.mr * t.nv {
		t.zero(i)
	}
	t.i("MOVQ %d(AX), CX", argBias)
	t.i("TESTQ CX, CX")
	t.i("JZ segment")
	for v := range t.nv {
		t.loadMasked(fmt.Sprintf("%d(CX)", v*t.bytes()), v, v)
	}
	for r := t.mr - 1; r >= 0; r-- {
		for v := range t.nv {
			t.op("VMOVAPS", v, r*t.nv+v)
		}
	}
	t.label("segment")
	t.i("MOVQ R15, CX")
	t.label("step")
	for v := range t.nv {
		t.load(fmt.Sprintf("%d(BX)", v*t.bytes()), 28+v)
	}
	for r := range t.mr {
		x := 30 + r%2
		t.op("VBROADCASTSS", t.a(r), x)
		for v := range t.nv {
			t.dot(x, 28+v, r*t.nv+v)
		}
	}
	t.i("ADDQ $128, BX")
	t.i("ADDQ R11, SI")
	if t.mr > 7 {
		t.i("ADDQ R11, DI")
	}
	t.i("DECQ CX")
	t.i("JNZ step")
	t.i("ADDQ R13, SI")
	if t.mr > 7 {
		t.i("ADDQ R13, DI")
	}
	t.i("DECQ R12")
	t.i("JNZ segment")
	t.finish()
}
