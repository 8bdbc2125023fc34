package main

import "fmt"

// strip writes a function over n rows of one vector of columns each. The
// slices' pointers come first among the arguments, and move on by stride bytes
// a row; stride and n come last.
func (f *file) strip(name, doc string, slices []string, rest []string, before, each, after func()) {
	var args []string
	for _, s := range slices {
		args = append(args, s+" *float32")
	}
	for _, r := range rest {
		args = append(args, r+" *float32")
	}
	args = append(args, "stride int", "n int")
	f.choice(name, doc, args...)
	stride, n := argRegisters[len(args)-2], argRegisters[len(args)-1]
	before()
	f.label("loop")
	each()
	for i := range slices {
		f.i("ADDQ %s, %s", stride, argRegisters[i])
	}
	f.i("DECQ %s", n)
	f.i("JNZ loop")
	if after != nil {
		after()
	}
	f.end()
}

// arg is the memory that argument number i points to.
func arg(i int) string { return "(" + argRegisters[i] + ")" }

// at4 is vector number i behind what an argument points to.
func at4(f *file, argument, i int) string {
	return fmt.Sprintf("%d(%s)", i*f.bytes(), argRegisters[argument])
}

// columns writes the functions that treat each column of a matrix alike.
func columns(f *file) {
	f.strip("colSumStrip", "adds the rows of x to sum.", []string{"x"}, []string{"sum"},
		func() { f.load(arg(1), 0) },
		func() { f.op("VADDPS", arg(0), 0, 0) },
		func() { f.store(0, arg(1)) })
	f.strip("colSumStrips", "adds the rows of x to sum, four vectors wide.", []string{"x"}, []string{"sum"},
		func() {
			for i := range 4 {
				f.load(at4(f, 1, i), i)
			}
		},
		func() {
			for i := range 4 {
				f.op("VADDPS", at4(f, 0, i), i, i)
			}
		},
		func() {
			for i := range 4 {
				f.store(i, at4(f, 1, i))
			}
		})
	f.strip("momentsStrip", "adds x − shift to sum and its square to square.", []string{"x"}, []string{"shift", "sum", "square"},
		func() {
			f.load(arg(1), 0)
			f.load(arg(2), 1)
			f.load(arg(3), 2)
		}, func() {
			f.load(arg(0), 3)
			f.op("VSUBPS", 0, 3, 3)
			f.op("VADDPS", 3, 1, 1)
			f.op("VFMADD231PS", 3, 3, 2)
		}, func() {
			f.store(1, arg(2))
			f.store(2, arg(3))
		})
	for _, relu := range []bool{false, true} {
		name, doc := "scaleShiftStrip", "writes y = a·x + b."
		if relu {
			name, doc = "scaleShiftReLUStrip", "writes y = max(a·x + b, 0)."
		}
		f.strip(name, doc, []string{"y", "x"}, []string{"a", "b"},
			func() {
				f.load(arg(2), 0)
				f.load(arg(3), 1)
				f.zero(2)
			}, func() {
				f.load(arg(1), 3)
				f.op("VFMADD213PS", 1, 0, 3)
				if relu {
					f.op("VMAXPS", 3, 2, 3)
				}
				f.store(3, arg(0))
			}, nil)
	}
	for _, masked := range []bool{false, true} {
		f.centered(masked)
		f.normBack(masked)
	}
	f.mulAdd()
	f.mulSum()
	f.maxPool()
	f.maxPoolBack()
}

// centered writes the sums of dy and dy·(x − mean), where a·x + b > 0 if masked.
func (f *file) centered(masked bool) {
	name, doc, rest := "centeredStrip", "adds dy to sum and dy·(x − mean) to dot.", []string{"mean", "sum", "dot"}
	if masked {
		name, doc, rest = "centeredMaskStrip", "adds dy to sum and dy·(x − mean) to dot where a·x + b > 0.", append(rest, "a", "b")
	}
	f.strip(name, doc, []string{"dy", "x"}, rest,
		func() {
			f.load(arg(2), 0)
			f.load(arg(3), 1)
			f.load(arg(4), 2)
			f.zero(3)
			if masked {
				f.load(arg(5), 7)
				f.load(arg(6), 8)
			}
		}, func() {
			f.load(arg(0), 4)
			f.load(arg(1), 5)
			if masked {
				f.op("VMOVAPS", 5, 6)
				f.op("VFMADD213PS", 8, 7, 6)
				f.keep(4, 6, 3, 4, 6)
			}
			f.op("VSUBPS", 0, 5, 5)
			f.op("VADDPS", 4, 1, 1)
			f.op("VFMADD231PS", 4, 5, 2)
		}, func() {
			f.store(1, arg(3))
			f.store(2, arg(4))
		})
}

// normBack writes dx = a·dy + p·(x − mean) + q, where dy counts only at
// a·x + b > 0 if masked.
func (f *file) normBack(masked bool) {
	name, doc, rest := "normBackStrip", "writes dx = a·dy + p·(x − mean) + q.", []string{"a", "p", "mean", "q"}
	if masked {
		name, doc, rest = "normBackMaskStrip", "writes dx = a·dy + p·(x − mean) + q; dy counts where a·x + b > 0.", append(rest, "b")
	}
	f.strip(name, doc, []string{"dx", "dy", "x"}, rest,
		func() {
			for i := range rest {
				f.load(arg(3+i), i)
			}
			f.zero(5)
		}, func() {
			f.load(arg(1), 6)
			f.load(arg(2), 7)
			if masked {
				f.op("VMOVAPS", 7, 8)
				f.op("VFMADD213PS", 4, 0, 8)
				f.keep(6, 8, 5, 6, 8)
			}
			f.op("VSUBPS", 2, 7, 7)
			f.op("VFMADD213PS", 3, 1, 7)
			f.op("VFMADD231PS", 6, 0, 7)
			f.store(7, arg(0))
		}, nil)
}

// mulAdd and mulSum are the taps of depthwise convolutions; x and y have their
// own distances of rows.
func (f *file) mulAdd() {
	f.choice("mulAddStrip", "writes y += w·x.", "y *float32", "x *float32", "w *float32", "rowY int", "rowX int", "n int")
	f.load(arg(2), 0)
	f.label("loop")
	f.load(arg(0), 1)
	f.op("VFMADD231PS", arg(1), 0, 1)
	f.store(1, arg(0))
	f.i("ADDQ %s, %s", argRegisters[3], argRegisters[0])
	f.i("ADDQ %s, %s", argRegisters[4], argRegisters[1])
	f.i("DECQ %s", argRegisters[5])
	f.i("JNZ loop")
	f.end()
}

func (f *file) mulSum() {
	f.choice("mulSumStrip", "adds x·y to w.", "w *float32", "x *float32", "y *float32", "rowX int", "rowY int", "n int")
	f.load(arg(0), 0)
	f.label("loop")
	f.load(arg(1), 1)
	f.op("VFMADD231PS", arg(2), 1, 0)
	f.i("ADDQ %s, %s", argRegisters[3], argRegisters[1])
	f.i("ADDQ %s, %s", argRegisters[4], argRegisters[2])
	f.i("DECQ %s", argRegisters[5])
	f.i("JNZ loop")
	f.store(0, arg(0))
	f.end()
}

// taps are the addresses of the four values of a 2×2 window: at p, a pixel
// further, and the same in the next row at q.
func taps(p, q, pixel string) []string {
	return []string{
		fmt.Sprintf("(%s)", p), fmt.Sprintf("(%s)(%s*1)", p, pixel),
		fmt.Sprintf("(%s)", q), fmt.Sprintf("(%s)(%s*1)", q, pixel),
	}
}

// maxPool writes maxima of 2×2 windows. 0·(sum of the window) is added, so that
// NaN does not vanish.
func (f *file) maxPool() {
	f.choice("maxPoolStrip", "writes the maximum of n windows of 2×2 pixels; row and pixel are distances in x.",
		"y *float32", "x *float32", "row int", "pixel int", "n int")
	f.i("LEAQ (SI)(DX*1), R9")
	f.i("LEAQ (CX)(CX*1), R10")
	f.zero(6)
	f.label("loop")
	at := taps("SI", "R9", "CX")
	for i := range 4 {
		f.load(at[i], i)
	}
	f.op("VADDPS", 0, 1, 4)
	f.op("VADDPS", 2, 3, 5)
	f.op("VMAXPS", 0, 1, 0)
	f.op("VMAXPS", 2, 3, 2)
	f.op("VADDPS", 4, 5, 4)
	f.op("VMAXPS", 0, 2, 0)
	f.op("VFMADD231PS", 4, 6, 0)
	f.store(0, "(DI)")
	f.i("ADDQ CX, DI")
	f.i("ADDQ R10, SI")
	f.i("ADDQ R10, R9")
	f.i("DECQ R8")
	f.i("JNZ loop")
	f.end()
}

// maxPoolBack gives the gradient of a window to its first maximum.
func (f *file) maxPoolBack() {
	f.choice("maxPoolBackStrip", "writes the gradients of n windows of 2×2 pixels; row and pixel are distances in x and dx.",
		"dx *float32", "dy *float32", "x *float32", "y *float32", "row int", "pixel int", "n int")
	f.i("LEAQ (DX)(R8*1), R11")
	f.i("LEAQ (DI)(R8*1), R12")
	f.i("LEAQ (R9)(R9*1), R13")
	f.label("loop")
	f.load("(CX)", 0)
	f.load("(SI)", 1)
	from, to := taps("DX", "R11", "R9"), taps("DI", "R12", "R9")
	for i := range 4 {
		f.load(from[i], 2)
		if f.wide() { // K2: lanes whose maximum was not found yet
			if i == 0 {
				f.op("VCMPPS", "$0", 0, 2, "K1")
				f.i("KNOTW K1, K2")
			} else {
				f.op("VCMPPS", "$0", 0, 2, "K2", "K1")
				f.i("KANDNW K2, K1, K2")
			}
			f.op("VMOVAPS.Z", 1, "K1", 3)
			f.store(3, to[i])
			continue
		}
		f.op("VCMPPS", "$0", 0, 2, 3)
		f.op("VANDPS", 1, 3, 4)
		f.store(4, to[i])
		f.op("VANDNPS", 1, 3, 1) // the gradient is given away once
	}
	f.i("ADDQ R9, CX")
	f.i("ADDQ R9, SI")
	for _, r := range []string{"DX", "R11", "DI", "R12"} {
		f.i("ADDQ R13, %s", r)
	}
	f.i("DECQ R10")
	f.i("JNZ loop")
	f.end()
}
