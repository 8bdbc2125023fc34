package main

// normPool writes the functions for batch normalisation, ReLU and maximum of
// 2×2 windows in one: y = max over the window of z = max(a·x + b, 0). They treat
// n windows of a row, one vector of channels each; row and pixel are distances
// in x.
func normPool(f *file) {
	f.normMax()
	f.normMaxSums()
	f.normMaxBack()
}

const windowDoc = " of n windows of 2×2 pixels; row and pixel are distances in x."

// windows writes the loop over windows. small are the registers of pointers that
// move by a pixel a window, large those that move by two.
func (f *file) windows(pixel, twice, n string, small, large []string, each func()) {
	f.i("LEAQ (%s)(%s*1), %s", pixel, pixel, twice)
	f.label("loop")
	each()
	for _, r := range small {
		f.i("ADDQ %s, %s", pixel, r)
	}
	for _, r := range large {
		f.i("ADDQ %s, %s", twice, r)
	}
	f.i("DECQ %s", n)
	f.i("JNZ loop")
	f.end()
}

// scaled loads the window into registers 0 to 3 as a·x + b, and its maximum to
// register 4.
func (f *file) scaled(at []string, a, b int) {
	for i := range 4 {
		f.load(at[i], i)
		f.op("VFMADD213PS", b, a, i)
	}
	f.op("VMAXPS", 0, 1, 4)
	f.op("VMAXPS", 2, 3, 5)
	f.op("VMAXPS", 4, 5, 4)
}

// normMax adds 0·(sum of the window) to the maximum, so that NaN does not vanish.
func (f *file) normMax() {
	f.choice("normMaxStrip", "writes the maximum of max(a·x + b, 0)"+windowDoc,
		"y *float32", "x *float32", "a *float32", "b *float32", "row int", "pixel int", "n int")
	const a, b, zero = 8, 9, 10
	f.load("(DX)", a)
	f.load("(CX)", b)
	f.zero(zero)
	f.i("LEAQ (SI)(R8*1), R11")
	f.windows("R9", "R12", "R10", []string{"DI"}, []string{"SI", "R11"}, func() {
		f.scaled(taps("SI", "R11", "R9"), a, b)
		f.op("VADDPS", 0, 1, 5)
		f.op("VADDPS", 2, 3, 6)
		f.op("VADDPS", 5, 6, 5)
		f.op("VMAXPS", 4, zero, 4)
		f.op("VFMADD231PS", 5, zero, 4)
		f.store(4, "(DI)")
	})
}

// normMaxSums needs x where a·x + b first is the maximum of its window: the
// values are blended from the last to the first.
func (f *file) normMaxSums() {
	f.choice("normMaxSumsStrip", "adds dy to sum and dy·(x − mean) to dot, where x is the first that has the maximum, above 0,"+windowDoc,
		"dy *float32", "x *float32", "a *float32", "b *float32", "mean *float32", "sum *float32", "dot *float32", "row int", "pixel int", "n int")
	const x, t, a, b, zero, mean, sum, dot = 6, 7, 8, 9, 10, 11, 12, 13
	for i, at := range []string{"(DX)", "(CX)"} {
		f.load(at, a+i)
	}
	for i, at := range []string{"(R8)", "(R9)", "(R10)"} {
		f.load(at, mean+i)
	}
	f.zero(zero)
	f.i("LEAQ (SI)(R11*1), DX")
	f.i("LEAQ (R12)(R12*1), CX")
	f.label("loop")
	at := taps("SI", "DX", "R12")
	f.scaled(at, a, b)
	f.load(at[3], x)
	for i := 2; i >= 0; i-- {
		if f.wide() {
			f.op("VCMPPS", "$0", 4, i, "K1")
			f.op("VMOVUPS", at[i], "K1", x)
		} else {
			f.op("VCMPPS", "$0", 4, i, t)
			f.op("VBLENDVPS", t, at[i], x, x)
		}
	}
	f.load("(DI)", 5)
	f.keep(5, 4, zero, 5, t)
	f.op("VSUBPS", mean, x, x)
	f.op("VADDPS", 5, sum, sum)
	f.op("VFMADD231PS", 5, x, dot)
	f.i("ADDQ R12, DI")
	f.i("ADDQ CX, SI")
	f.i("ADDQ CX, DX")
	f.i("DECQ R13")
	f.i("JNZ loop")
	f.store(sum, "(R9)")
	f.store(dot, "(R10)")
	f.end()
}

// normMaxBack gives the gradient of a window to its first maximum.
func (f *file) normMaxBack() {
	f.choice("normMaxBackStrip", "writes dx = a·dy + p·(x − mean) + q, where dy counts for the first maximum, above 0,"+windowDoc,
		"dx *float32", "dy *float32", "x *float32", "a *float32", "b *float32", "p *float32", "mean *float32", "q *float32", "row int", "pixel int", "n int")
	const g, d, t, a, b, p, mean, q, zero = 5, 6, 7, 8, 9, 10, 11, 12, 13
	for i, at := range []string{"(CX)", "(R8)", "(R9)", "(R10)", "(R11)"} {
		f.load(at, a+i)
	}
	f.zero(zero)
	f.i("LEAQ (DX)(R12*1), CX")
	f.i("LEAQ (DI)(R12*1), R8")
	f.windows("R13", "R9", "R15", []string{"SI"}, []string{"DX", "CX", "DI", "R8"}, func() {
		from, to := taps("DX", "CX", "R13"), taps("DI", "R8", "R13")
		f.scaled(from, a, b)
		f.load("(SI)", g)
		f.keep(g, 4, zero, g, t)
		f.op("VMULPS", a, g, g)
		for i := range 4 {
			f.load(from[i], d)
			f.op("VSUBPS", mean, d, d)
			f.op("VFMADD213PS", q, p, d)
			switch {
			case !f.wide():
				f.op("VCMPPS", "$0", 4, i, i)
				f.op("VANDPS", g, i, t)
				f.op("VANDNPS", g, i, g) // the gradient is given away once
				f.op("VADDPS", t, d, d)
			case i == 0: // K2: lanes whose maximum was not found yet
				f.op("VCMPPS", "$0", 4, i, "K1")
				f.i("KNOTW K1, K2")
				f.op("VADDPS", g, d, "K1", d)
			default:
				f.op("VCMPPS", "$0", 4, i, "K2", "K1")
				f.i("KANDNW K2, K1, K2")
				f.op("VADDPS", g, d, "K1", d)
			}
			f.store(d, to[i])
		}
	})
}
