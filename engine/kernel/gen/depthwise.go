package main

import "fmt"

// depthwise writes the functions for depthwise convolutions with windows of 3×3
// pixels, one vector of channels each: the nine weights, or their gradients, stay
// in registers while a row of pixels passes. row and pixel are distances in x;
// step is that of the windows.
func depthwise(f *file) {
	f.depthwiseRow()
	f.depthwiseSums()
}

// nine are the registers of weights, behind those of values.
const nine = 7

// rows points R12 and R13 to the second and third row of the window.
func (f *file) rows(x, row string) {
	f.i("LEAQ (%s)(%s*1), R12", x, row)
	f.i("LEAQ (%s)(%s*2), R13", x, row)
}

// window are the addresses of the nine pixels.
func window(x, pixel string) (at []string) {
	for _, r := range []string{x, "R12", "R13"} {
		at = append(at, fmt.Sprintf("(%s)", r), fmt.Sprintf("(%s)(%s*1)", r, pixel), fmt.Sprintf("(%s)(%s*2)", r, pixel))
	}
	return at
}

// weights goes through the nine vectors of weights at w.
func (f *file) weights(w, pixel string, each func(at string, r int)) {
	for i := range 9 {
		each(fmt.Sprintf("(%s)", w), nine+i)
		if i < 8 {
			f.i("ADDQ %s, %s", pixel, w)
		}
	}
}

// depthwiseRow sums in three chains.
func (f *file) depthwiseRow() {
	f.choice("depthwiseStrip", "writes y = bias + Σ w·x for n windows; a bias of nil is 0.",
		"y *float32", "x *float32", "w *float32", "bias *float32", "row int", "step int", "pixel int", "n int")
	f.zero(3)
	f.i("TESTQ CX, CX")
	f.i("JZ weights")
	f.load("(CX)", 3)
	f.label("weights")
	f.weights("DX", "R10", f.load)
	f.rows("SI", "R8")
	f.label("loop")
	at := window("SI", "R10")
	f.op("VMOVAPS", 3, 0)
	f.op("VMULPS", at[1], nine+1, 1)
	f.op("VMULPS", at[2], nine+2, 2)
	for i, a := range at {
		if i != 1 && i != 2 {
			f.op("VFMADD231PS", a, nine+i, i%3)
		}
	}
	f.op("VADDPS", 1, 2, 1)
	f.op("VADDPS", 0, 1, 0)
	f.store(0, "(DI)")
	f.i("ADDQ R10, DI")
	for _, r := range []string{"SI", "R12", "R13"} {
		f.i("ADDQ R9, %s", r)
	}
	f.i("DECQ R11")
	f.i("JNZ loop")
	f.end()
}

func (f *file) depthwiseSums() {
	f.choice("depthwiseSumsStrip", "adds x·dy of n windows to the nine weights.",
		"w *float32", "x *float32", "dy *float32", "row int", "step int", "pixel int", "n int")
	f.i("MOVQ DI, R11")
	f.weights("R11", "R9", f.load)
	f.rows("SI", "CX")
	f.label("loop")
	f.load("(DX)", 0)
	for i, a := range window("SI", "R9") {
		f.op("VFMADD231PS", a, 0, nine+i)
	}
	f.i("ADDQ R9, DX")
	for _, r := range []string{"SI", "R12", "R13"} {
		f.i("ADDQ R8, %s", r)
	}
	f.i("DECQ R10")
	f.i("JNZ loop")
	f.weights("DI", "R9", func(at string, r int) { f.store(r, at) })
	f.end()
}
