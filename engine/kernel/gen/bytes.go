package main

import (
	"fmt"
	"strings"
)

// byteProducts writes the kernels of integer products: tiles of mr rows of A by nv
// panels of 16 columns of B, whose sums are int32. A step takes 4 bytes of a row of A,
// and 64 of each panel: 4 unsigned by 4 signed bytes with instructions for it
// (AVX512-VNNI, AVX-VNNI), else 2 by 2 words of 16 bits, whose products cannot overflow.
//
// Registers: AX arguments, SI and DI rows 0–6 and 7–13 of A, R8 R9 R10 one, three and
// five times the distance of rows, BX and R11 panels 0–3 and 4–7, DX and R14 one and
// three times the distance of panels, CX R15 steps of a segment, R12 segments, R13 jump
// of A between segments.
func byteProducts(f *file) {
	if f.wide() {
		byteTiles(f, "byteTile", "VPDPBUSD", map[int]int{1: 14, 2: 12, 4: 6, 8: 2})
	} else {
		byteTiles(f, "byteTile", "AVX-VNNI", map[int]int{1: 5, 2: 2})
		byteTiles(f, "wordTile", "", map[int]int{1: 5, 2: 2})
		widen(f)
	}
	requantize(f)
	maxima(f)
}

// maxima writes the functions of pools of bytes.
func maxima(f *file) {
	f.choice("maxByteVectors", "writes the larger of each two bytes of n vectors.", "dst *uint8", "a *uint8", "b *uint8", "n int")
	f.label("loop")
	f.op("VMOVUPS", "(SI)", 0)
	f.op("VPMAXUB", "(DX)", 0, 0)
	f.store(0, "(DI)")
	for _, r := range []string{"DI", "SI", "DX"} {
		f.i("ADDQ $%d, %s", f.bytes(), r)
	}
	f.i("DECQ CX")
	f.i("JNZ loop")
	f.end()

	f.choice("maxPixelPairs", "writes the maximum of each two of n pairs of pixels of so many times 16 bytes.", "dst *uint8", "x *uint8", "sixteens int", "n int")
	f.i("MOVQ DX, R8")
	f.i("SHLQ $4, R8")
	f.label("pair")
	f.i("MOVQ DX, R9")
	f.label("sixteen")
	f.i("VMOVUPS (SI), X0")
	f.i("VPMAXUB (SI)(R8*1), X0, X0")
	f.i("VMOVUPS X0, (DI)")
	f.i("ADDQ $16, SI")
	f.i("ADDQ $16, DI")
	f.i("DECQ R9")
	f.i("JNZ sixteen")
	f.i("ADDQ R8, SI")
	f.i("DECQ CX")
	f.i("JNZ pair")
	f.end()
}

// byteTiles writes the kernels of one instruction; most is the number of rows by that of
// panels.
func byteTiles(f *file, name, dot string, most map[int]int) {
	var cases []string
	for nv := 1; nv <= 8; nv *= 2 {
		for mr := 1; mr <= most[nv]; mr++ {
			t := byteTile{f, mr, nv, dot}
			own := fmt.Sprintf("%s%dx%d", name, mr, nv)
			t.write(own)
			cases = append(cases, fmt.Sprintf("\tcase %d:\n\t\t%s%s(p)\n", 16*mr+nv, own, f.isa.name))
		}
	}
	fmt.Fprintf(&f.decl, "\n// %s%s runs the kernel of mr rows and nv panels.\nfunc %s%s(mr, nv int, p *byteArgs) {\n\tswitch 16*mr + nv {\n%s\t}\n}\n",
		name, f.isa.name, name, f.isa.name, strings.Join(cases, ""))
}

// byteTile is one kernel.
type byteTile struct {
	*file
	mr, nv int
	dot    string
}

// The fields of struct byteArgs.
const (
	byteK, byteSegs, byteA, byteRowA, byteJump = 0, 8, 16, 24, 32
	byteB, bytePanel, byteC, byteRowC, byteInt = 40, 48, 56, 64, 72
)

// vectors is how many make up a panel.
func (t byteTile) vectors() int { return 16 / t.width }

func (t byteTile) acc(r, v int) int { return r*t.nv*t.vectors() + v }

// weights is the register of vector v of a row of B; two more follow.
func (t byteTile) weights(v int) int { return t.mr*t.nv*t.vectors() + v }

// panel is the address of vector v of the panels, at an offset.
func (t byteTile) panel(v int) string {
	p, off := v/t.vectors(), v%t.vectors()*t.bytes()
	base := "BX"
	if p >= 4 {
		base, p = "R11", p-4
	}
	return fmt.Sprintf("%d(%s)%s", off, base, []string{"", "(DX*1)", "(DX*2)", "(R14*1)"}[p])
}

func (t byteTile) write(name string) {
	t.function(name, "computes sums of a tile.", "p *byteArgs")
	t.i("MOVQ DI, AX")
	for _, l := range []struct {
		off int
		reg string
	}{{byteK, "R15"}, {byteSegs, "R12"}, {byteA, "SI"}, {byteRowA, "R8"}, {byteJump, "R13"}, {byteB, "BX"}, {bytePanel, "DX"}, {byteInt, "CX"}} {
		t.i("MOVQ %d(AX), %s", l.off, l.reg)
	}
	t.i("LEAQ (R8)(R8*2), R9")
	t.i("LEAQ (R8)(R8*4), R10")
	t.i("LEAQ (DX)(DX*2), R14")
	t.i("LEAQ (BX)(DX*4), R11")
	if t.mr > 7 {
		t.i("LEAQ (SI)(R8*1), DI")
		t.i("LEAQ (DI)(R9*2), DI")
	}
	n := t.nv * t.vectors()
	for v := range n {
		t.load(fmt.Sprintf("%d(CX)", v*t.bytes()), t.acc(0, v))
		for r := 1; r < t.mr; r++ {
			t.op("VMOVAPS", t.acc(0, v), t.acc(r, v))
		}
	}
	t.label("segment")
	t.i("MOVQ R15, CX")
	t.label("step")
	for v := range n {
		t.load(t.panel(v), t.weights(v))
	}
	a := tile{file: t.file}
	for r := range t.mr {
		x := t.weights(n)
		t.op("VBROADCASTSS", a.a(r), x)
		for v := range n {
			t.add(x, t.weights(v), t.acc(r, v))
		}
	}
	t.i("ADDQ $64, BX")
	if t.nv > 4 {
		t.i("ADDQ $64, R11")
	}
	t.i("ADDQ $4, SI")
	if t.mr > 7 {
		t.i("ADDQ $4, DI")
	}
	t.i("DECQ CX")
	t.i("JNZ step")
	t.i("ADDQ R13, SI")
	if t.mr > 7 {
		t.i("ADDQ R13, DI")
	}
	t.i("DECQ R12")
	t.i("JNZ segment")
	t.i("MOVQ %d(AX), CX", byteC)
	t.i("MOVQ %d(AX), DX", byteRowC)
	for r := range t.mr {
		for v := range n {
			t.store(t.acc(r, v), fmt.Sprintf("%d(CX)", v*t.bytes()))
		}
		if r < t.mr-1 {
			t.i("ADDQ DX, CX")
		}
	}
	t.end()
}

// add adds to the sums the products of a, in every place, and b.
func (t byteTile) add(a, b, sum int) {
	switch t.dot {
	case "VPDPBUSD":
		t.op("VPDPBUSD", b, a, sum)
	case "AVX-VNNI":
		t.vex("VPDPBUSD", 0x50, b, a, sum)
	default:
		tmp := t.weights(t.nv*t.vectors()) + 1
		t.op("VPMADDWD", b, a, tmp)
		t.op("VPADDD", tmp, sum, sum)
	}
}

// vex writes an instruction of map 0F38 with prefix 66 on three 256-bit registers, which
// the assembler does not know.
func (f *file) vex(name string, opcode, rm, v, dst int) {
	not := func(x int) int { return 1 - x>>3&1 }
	bytes := []int{0xc4, not(dst)<<7 | 1<<6 | not(rm)<<5 | 2, (^v&15)<<3 | 1<<2 | 1, opcode, 0xc0 | dst&7<<3 | rm&7}
	var s []string
	for _, b := range bytes {
		s = append(s, fmt.Sprintf("BYTE $%#02x", b))
	}
	f.i("%s // %s Y%d, Y%d, Y%d", strings.Join(s, "; "), name, rm, v, dst)
}

// widen writes the function that makes words of bytes.
func widen(f *file) {
	f.function("widen", "writes n times 16 bytes as words of 16 bits.", "dst *uint16", "src *uint8", "n int")
	f.label("loop")
	f.i("VPMOVZXBW (SI), Y0")
	f.store(0, "(DI)")
	f.i("ADDQ $16, SI")
	f.i("ADDQ $32, DI")
	f.i("DECQ DX")
	f.i("JNZ loop")
	f.end()
}

// requantize writes the functions that make codes, or floats, of a row of sums.
func requantize(f *file) {
	// Scale, least, most and zero: 4 values in a row.
	f.choice("requantizeVectors", "writes codes of n vectors of sums: round(clamp(sum·scale)) + zero, with the bounds before zero is added.",
		"dst *uint8", "sum *int32", "scale *float32", "n int", "bounds *float32", "zero *int32")
	f.op("VBROADCASTSS", "(R8)", 4)
	f.op("VBROADCASTSS", "4(R8)", 5)
	f.op("VBROADCASTSS", "(R9)", 6)
	f.label("loop")
	f.op("VCVTDQ2PS", "(SI)", 0)
	f.op("VMULPS", "(DX)", 0, 0)
	f.codes()
	f.i("ADDQ $%d, SI", f.bytes())
	f.i("ADDQ $%d, DX", f.bytes())
	f.i("DECQ CX")
	f.i("JNZ loop")
	f.end()

	f.choice("unquantizeVectors", "writes n vectors of sums times scales as floats.", "dst *float32", "sum *int32", "scale *float32", "n int")
	f.label("loop")
	f.op("VCVTDQ2PS", "(SI)", 0)
	f.op("VMULPS", "(DX)", 0, 0)
	f.store(0, "(DI)")
	for _, r := range []string{"DI", "SI", "DX"} {
		f.i("ADDQ $%d, %s", f.bytes(), r)
	}
	f.i("DECQ CX")
	f.i("JNZ loop")
	f.end()

	f.choice("quantizeVectors", "writes codes of n vectors of floats: round(clamp(x/scale)) + zero, with the bounds before zero is added.",
		"dst *uint8", "x *float32", "n int", "bounds *float32", "zero *int32")
	f.op("VBROADCASTSS", "(CX)", 4)
	f.op("VBROADCASTSS", "4(CX)", 5)
	f.op("VBROADCASTSS", "8(CX)", 7)
	f.op("VBROADCASTSS", "(R8)", 6)
	f.label("loop")
	f.load("(SI)", 0)
	f.op("VDIVPS", 7, 0, 0)
	f.codes()
	f.i("ADDQ $%d, SI", f.bytes())
	f.i("DECQ DX")
	f.i("JNZ loop")
	f.end()
}

// codes bounds the vector in register 0 by those in 4 and 5, rounds it, adds register 6
// and writes it as bytes.
func (f *file) codes() {
	f.op("VMAXPS", 4, 0, 0)
	f.op("VMINPS", 5, 0, 0)
	f.op("VCVTPS2DQ", 0, 0)
	f.op("VPADDD", 6, 0, 0)
	if f.wide() {
		f.i("VPMOVDB Z0, (DI)")
	} else {
		f.i("VEXTRACTI128 $1, Y0, X1")
		f.i("VPACKUSDW X1, X0, X0")
		f.i("VPACKUSWB X0, X0, X0")
		f.i("VMOVQ X0, (DI)")
	}
	f.i("ADDQ $%d, DI", f.width)
}
