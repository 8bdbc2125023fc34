package main

import "fmt"

// gemm writes the kernels that compute a tile of C: mr rows by nv vectors, all
// held in registers while K runs. A is read with any distance between rows and
// between columns; B is row-major.
//
// Registers: AX arguments, SI and DI rows 0–6 and 7–13 of A, R8 R9 R10 one,
// three and five times the distance of rows, R11 distance of columns, BX B, DX
// distance of its rows, CX R15 steps of a segment, R12 segments, R13 jump of A
// between segments, R14 the copy of B.
func gemm(f *file) {
	for _, copies := range []bool{false, true} {
		var tiles []tile
		if f.wide() {
			for mr := 1; mr <= 14; mr++ {
				tiles = append(tiles, tile{f, mr, 1, true, copies}, tile{f, mr, 2, true, copies})
			}
		} else {
			for mr := 1; mr <= 6; mr++ {
				tiles = append(tiles, tile{f, mr, 1, true, copies}, tile{f, mr, 1, false, copies}, tile{f, mr, 2, false, copies})
			}
		}
		for _, t := range tiles {
			t.write()
		}
		dispatch(f, tiles, copies)
	}
	tile{f, 1, rowVectors, false, false}.write()
	if f.wide() {
		tile{f, 1, 2 * rowVectors, false, false}.write()
		tile{f, 1, 3 * rowVectors, false, false}.write()
	}
}

// rowVectors are those of the kernel for a single row: as many sums as multiply-adds are
// under way at once. Two and three times as many read B in longer pieces.
const rowVectors = 8

// dispatch writes the Go function that picks a kernel.
func dispatch(f *file, tiles []tile, copies bool) {
	name, doc := "tile", "runs the kernel of mr rows and nv vectors; nv 0 is one masked vector."
	if copies {
		name, doc = "copyTile", "is tile"+f.isa.name+" with a copy of B."
	}
	fmt.Fprintf(&f.decl, "\n// %s%s %s\n", name, f.isa.name, doc)
	fmt.Fprintf(&f.decl, "func %s%s(mr, nv int, p *tileArgs) {\n\tswitch 4*mr + nv {\n", name, f.isa.name)
	for _, t := range tiles {
		nv := t.nv
		if t.masked && !f.wide() {
			nv = 0
		}
		fmt.Fprintf(&f.decl, "\tcase %d:\n\t\t%s%s(p)\n", 4*t.mr+nv, t.name(), f.isa.name)
	}
	f.decl.WriteString("\t}\n}\n")
}

// tile is one kernel. masked: columns beyond the matrix are neither read nor
// written. copies: the rows of B are written to a strip, for the kernels that
// follow; that costs next to nothing here, where the multiply-adds take longer.
type tile struct {
	*file
	mr, nv int
	masked bool
	copies bool
}

// stripBytes is the size of a row of a strip, ahead the number of rows of B that
// are fetched into the cache before they are copied.
const stripBytes, ahead = 128, 8

// The fields of struct tileArgs.
const (
	argK, argSegs, argA, argRowA, argColA, argJump = 0, 8, 16, 24, 32, 40
	argB, argRowB, argC, argRowC                   = 48, 56, 64, 72
	argBias, argFlags, argMask, argCopy            = 80, 88, 96, 104
)

func (t tile) name() string {
	n := fmt.Sprintf("tile%dx%d", t.mr, t.nv)
	if t.masked && !t.wide() {
		n += "m"
	}
	if t.copies {
		n += "Copy"
	}
	return n
}

func (t tile) acc(r, v int) int { return r*t.nv + v }

// b is the register of vector v of B's row; scratch follows. In AVX2 the mask
// is the last register.
func (t tile) b(v int) int {
	if t.wide() {
		return 28 + v
	}
	return 12 + v
}

func (t tile) loadMasked(at string, v, r int) {
	switch {
	case t.nv >= rowVectors:
		t.load(at, r)
	case t.wide():
		t.op("VMOVUPS.Z", at, fmt.Sprintf("K%d", v+1), r)
	case t.masked:
		t.op("VMASKMOVPS", at, 15, r)
	default:
		t.load(at, r)
	}
}

func (t tile) storeMasked(r, v int, at string) {
	switch {
	case t.nv >= rowVectors:
		t.store(r, at)
	case t.wide():
		t.op("VMOVUPS", r, fmt.Sprintf("K%d", v+1), at)
	case t.masked:
		t.op("VMASKMOVPS", r, 15, at)
	default:
		t.store(r, at)
	}
}

// a is the address of A's element in row r.
func (t tile) a(r int) string {
	base := "(SI)"
	if r >= 7 {
		base, r = "(DI)", r-7
	}
	return base + []string{"", "(R8*1)", "(R8*2)", "(R9*1)", "(R8*4)", "(R10*1)", "(R9*2)"}[r]
}

func (t tile) write() {
	t.function(t.name(), "computes a tile of C.", "p *tileArgs")
	t.i("MOVQ DI, AX")
	for _, l := range []struct {
		off int
		reg string
	}{{argK, "R15"}, {argSegs, "R12"}, {argA, "SI"}, {argRowA, "R8"}, {argColA, "R11"}, {argJump, "R13"}, {argB, "BX"}, {argRowB, "DX"}} {
		t.i("MOVQ %d(AX), %s", l.off, l.reg)
	}
	t.i("LEAQ (R8)(R8*2), R9")
	t.i("LEAQ (R8)(R8*4), R10")
	if t.mr > 7 {
		t.i("LEAQ (SI)(R8*1), DI")
		t.i("LEAQ (DI)(R9*2), DI")
	}
	if t.copies {
		t.i("MOVQ %d(AX), R14", argCopy)
	}
	if t.wide() && t.nv < rowVectors {
		t.i("MOVQ %d(AX), CX", argMask)
		t.i("KMOVW CX, K1")
		t.i("SHRQ $16, CX")
		t.i("KMOVW CX, K2")
	} else if t.masked {
		t.i("MOVQ %d(AX), CX", argMask)
		t.op("VMOVDQU", "(CX)", 15)
	}
	t.start()
	t.label("segment")
	t.i("MOVQ R15, CX")
	t.label("step")
	t.step()
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

// start sets the accumulators to the bias or to 0. If C is to be added at the
// end, it is fetched into the cache meanwhile.
func (t tile) start() {
	t.i("MOVQ %d(AX), CX", argBias)
	t.i("TESTQ CX, CX")
	t.i("JZ zero")
	for v := range t.nv {
		t.loadMasked(fmt.Sprintf("%d(CX)", v*t.bytes()), v, t.acc(0, v))
	}
	for r := 1; r < t.mr; r++ {
		for v := range t.nv {
			t.op("VMOVAPS", t.acc(0, v), t.acc(r, v))
		}
	}
	t.i("JMP segment")
	t.label("zero")
	for i := range t.mr * t.nv {
		t.zero(i)
	}
	t.i("TESTQ $1, %d(AX)", argFlags)
	t.i("JZ segment")
	t.rows(func(r int) {
		for off := 0; off < t.nv*t.bytes(); off += 64 {
			t.i("PREFETCHT1 %d(CX)", off)
		}
	})
}

// rows goes through the rows of C with CX.
func (t tile) rows(each func(r int)) {
	t.i("MOVQ %d(AX), CX", argC)
	for r := range t.mr {
		each(r)
		if r < t.mr-1 {
			t.i("ADDQ %d(AX), CX", argRowC)
		}
	}
}

// step adds a column of A times a row of B.
func (t tile) step() {
	if t.nv >= rowVectors {
		t.op("VBROADCASTSS", t.a(0), t.b(0))
		for v := range t.nv {
			t.op("VFMADD231PS", fmt.Sprintf("%d(BX)", v*t.bytes()), t.b(0), t.acc(0, v))
		}
		t.i("ADDQ DX, BX")
		t.i("ADDQ R11, SI")
		return
	}
	for v := range t.nv {
		t.loadMasked(fmt.Sprintf("%d(BX)", v*t.bytes()), v, t.b(v))
	}
	if t.copies {
		for v := range t.nv {
			t.store(t.b(v), fmt.Sprintf("%d(R14)", v*t.bytes()))
		}
		for off := 0; off < t.nv*t.bytes(); off += 64 {
			t.i("PREFETCHT0 %d(BX)(DX*%d)", off, ahead)
		}
		t.i("ADDQ $%d, R14", stripBytes)
	}
	for r := range t.mr {
		if t.wide() && t.nv == 1 {
			t.op("VFMADD231PS.BCST", t.a(r), t.b(0), t.acc(r, 0))
			continue
		}
		x := t.b(t.nv) // what remains after B takes turns
		if t.wide() || !t.masked && t.nv == 2 {
			x += r % 2
		}
		t.op("VBROADCASTSS", t.a(r), x)
		for v := range t.nv {
			t.op("VFMADD231PS", x, t.b(v), t.acc(r, v))
		}
	}
	t.i("ADDQ DX, BX")
	t.i("ADDQ R11, SI")
	if t.mr > 7 {
		t.i("ADDQ R11, DI")
	}
}

// finish adds C, applies ReLU, so that NaN stays NaN, and writes the tile.
func (t tile) finish() {
	t.i("TESTQ $1, %d(AX)", argFlags)
	t.i("JZ rectify")
	t.rows(func(r int) {
		for v := range t.nv {
			at := fmt.Sprintf("%d(CX)", v*t.bytes())
			switch {
			case t.nv >= rowVectors:
				t.op("VADDPS", at, t.acc(r, v), t.acc(r, v))
			case t.wide():
				t.op("VADDPS", at, t.acc(r, v), fmt.Sprintf("K%d", v+1), t.acc(r, v))
			case t.masked:
				t.loadMasked(at, v, t.b(0))
				t.op("VADDPS", t.b(0), t.acc(r, v), t.acc(r, v))
			default:
				t.op("VADDPS", at, t.acc(r, v), t.acc(r, v))
			}
		}
	})
	t.label("rectify")
	t.i("TESTQ $2, %d(AX)", argFlags)
	t.i("JZ write")
	t.zero(t.b(0))
	for i := range t.mr * t.nv {
		t.op("VMAXPS", i, t.b(0), i)
	}
	t.label("write")
	t.rows(func(r int) {
		for v := range t.nv {
			t.storeMasked(t.acc(r, v), v, fmt.Sprintf("%d(CX)", v*t.bytes()))
		}
	})
	t.end()
}
