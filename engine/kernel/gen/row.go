package main

// rows writes the functions that treat each row of a matrix alike: softmax and
// layer normalisation. A row is one or more whole vectors, bytes long.
func rows(f *file) {
	f.softmax()
	f.softmaxBack()
	f.layerNorm()
	f.layerNormBack()
}

// over runs each over the vectors of a row; in it, AX is the offset.
func (f *file) over(name, bytes string, each func()) {
	f.i("XORQ AX, AX")
	f.label(name)
	each()
	f.i("ADDQ $%d, AX", f.bytes())
	f.i("CMPQ AX, %s", bytes)
	f.i("JNE %s", name)
}

// at is the vector at the offset in a row.
func at(register string) string { return "(" + register + ")(AX*1)" }

// spread replaces every lane of x by the sum (VADDPS), or maximum (VMAXPS), of
// all; tmp is a register to spare.
func (f *file) spread(op string, x, tmp int) {
	if f.wide() {
		f.op("VSHUFF32X4", "$0x4e", x, x, tmp)
		f.op(op, tmp, x, x)
		f.op("VSHUFF32X4", "$0xb1", x, x, tmp)
		f.op(op, tmp, x, x)
	} else {
		f.op("VPERM2F128", "$1", x, x, tmp)
		f.op(op, tmp, x, x)
	}
	f.op("VPERMILPS", "$0x4e", x, tmp)
	f.op(op, tmp, x, x)
	f.op("VPERMILPS", "$0xb1", x, tmp)
	f.op(op, tmp, x, x)
}

// next moves pointers on to the next row and loops.
func (f *file) next(bytes, n string, pointers ...string) {
	for _, p := range pointers {
		f.i("ADDQ %s, %s", bytes, p)
	}
	f.i("DECQ %s", n)
	f.i("JNZ row")
}

func (f *file) softmax() {
	f.choice("softmaxRows", "writes the softmax of scale·x.", "y *float32", "x *float32", "scale *float32", "bytes int", "n int")
	const scale, top, x, sum, tmp = 0, 1, 2, 3, 4
	f.op("VBROADCASTSS", "(DX)", scale)
	f.label("row")
	f.load("(SI)", top)
	f.over("most", "CX", func() { f.op("VMAXPS", at("SI"), top, top) })
	f.spread("VMAXPS", top, tmp)
	f.op("VMULPS", scale, top, top)
	f.zero(sum)
	f.over("exp", "CX", func() {
		f.load(at("SI"), x)
		f.op("VFMSUB213PS", top, scale, x) // scale·x − top
		f.exp(x)
		f.store(x, at("DI"))
		f.op("VADDPS", x, sum, sum)
	})
	f.spread("VADDPS", sum, tmp)
	f.load(f.c(1.0), tmp)
	f.op("VDIVPS", sum, tmp, sum)
	f.over("norm", "CX", func() {
		f.op("VMULPS", at("DI"), sum, x)
		f.store(x, at("DI"))
	})
	f.next("CX", "R8", "DI", "SI")
	f.end()
}

func (f *file) softmaxBack() {
	f.choice("softmaxBackRows", "writes dx = scale·y·(dy − Σ dy·y).", "dx *float32", "dy *float32", "y *float32", "scale *float32", "bytes int", "n int")
	const scale, dot, x, tmp = 0, 1, 2, 4
	f.op("VBROADCASTSS", "(CX)", scale)
	f.label("row")
	f.zero(dot)
	f.over("dot", "R8", func() {
		f.load(at("SI"), x)
		f.op("VFMADD231PS", at("DX"), x, dot)
	})
	f.spread("VADDPS", dot, tmp)
	f.over("slope", "R8", func() {
		f.load(at("SI"), x)
		f.op("VSUBPS", dot, x, x)
		f.op("VMULPS", at("DX"), x, x)
		f.op("VMULPS", scale, x, x)
		f.store(x, at("DI"))
	})
	f.next("R8", "R9", "DI", "SI", "DX")
	f.end()
}

func (f *file) layerNorm() {
	f.choice("layerNormRows", "normalises rows; share is 1/columns and ε.",
		"y *float32", "x *float32", "gamma *float32", "beta *float32", "mean *float32", "inv *float32", "share *[2]float32", "bytes int", "n int")
	const share, eps, mean, inv, x, tmp = 0, 1, 2, 3, 4, 5
	f.op("VBROADCASTSS", "(R10)", share)
	f.op("VBROADCASTSS", "4(R10)", eps)
	f.label("row")
	f.zero(mean)
	f.over("mean", "R11", func() { f.op("VADDPS", at("SI"), mean, mean) })
	f.spread("VADDPS", mean, tmp)
	f.op("VMULPS", share, mean, mean)
	f.zero(inv)
	f.over("variance", "R11", func() {
		f.load(at("SI"), x)
		f.op("VSUBPS", mean, x, x)
		f.op("VFMADD231PS", x, x, inv)
	})
	f.spread("VADDPS", inv, tmp)
	f.op("VFMADD213PS", eps, share, inv)
	f.op("VSQRTPS", inv, inv)
	f.load(f.c(1.0), tmp)
	f.op("VDIVPS", inv, tmp, inv)
	f.i("VMOVSS X%d, (R8)", mean)
	f.i("VMOVSS X%d, (R9)", inv)
	f.over("norm", "R11", func() {
		f.load(at("SI"), x)
		f.op("VSUBPS", mean, x, x)
		f.op("VMULPS", inv, x, x)
		f.load(at("CX"), tmp)
		f.op("VFMADD132PS", at("DX"), tmp, x)
		f.store(x, at("DI"))
	})
	f.i("ADDQ $4, R8")
	f.i("ADDQ $4, R9")
	f.next("R11", "R12", "DI", "SI")
	f.end()
}

func (f *file) layerNormBack() {
	f.choice("layerNormBackRows", "adds to dγ and dβ and writes dx; share is 1/columns.",
		"dx *float32", "dy *float32", "x *float32", "gamma *float32", "mean *float32", "inv *float32",
		"dgamma *float32", "dbeta *float32", "share *float32", "bytes int", "n int")
	const share, mean, inv, all, dot, d, h, tmp = 0, 1, 2, 3, 4, 5, 6, 7
	f.op("VBROADCASTSS", "(R12)", share)
	f.label("row")
	f.op("VBROADCASTSS", "(R8)", mean)
	f.op("VBROADCASTSS", "(R9)", inv)
	f.zero(all)
	f.zero(dot)
	f.over("sums", "R13", func() {
		f.load(at("SI"), d)
		f.load(at("DX"), h)
		f.op("VSUBPS", mean, h, h)
		f.op("VMULPS", inv, h, h)
		f.load(at("R10"), tmp)
		f.op("VFMADD231PS", d, h, tmp)
		f.store(tmp, at("R10"))
		f.op("VADDPS", at("R11"), d, tmp)
		f.store(tmp, at("R11"))
		f.op("VMULPS", at("CX"), d, d)
		f.op("VADDPS", d, all, all)
		f.op("VFMADD231PS", d, h, dot)
	})
	f.spread("VADDPS", all, tmp)
	f.spread("VADDPS", dot, tmp)
	f.op("VMULPS", share, all, all)
	f.op("VMULPS", share, dot, dot)
	f.op("VMULPS", inv, dot, dot)
	f.over("slope", "R13", func() {
		f.load(at("DX"), h)
		f.op("VSUBPS", mean, h, h)
		f.load(at("SI"), d)
		f.op("VMULPS", at("CX"), d, d)
		f.op("VSUBPS", all, d, d)
		f.op("VFNMADD231PS", dot, h, d)
		f.op("VMULPS", inv, d, d)
		f.store(d, at("DI"))
	})
	f.i("ADDQ $4, R8")
	f.i("ADDQ $4, R9")
	f.next("R13", "R15", "DI", "SI", "DX")
	f.end()
}
