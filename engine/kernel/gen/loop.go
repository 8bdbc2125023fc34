package main

import (
	"fmt"
	"math"
)

// loop writes a function over n whole vectors: before fills registers, each
// handles one vector, after uses what was gathered. The slices' pointers come
// first among the arguments, n last; n is at least 1.
func (f *file) loop(name, doc string, slices []string, rest []string, before, each, after func()) {
	var args []string
	for _, s := range slices {
		args = append(args, s+" *float32")
	}
	args = append(append(args, rest...), "n int")
	f.choice(name, doc, args...)
	n := argRegisters[len(args)-1]
	if before != nil {
		before()
	}
	f.label("loop")
	each()
	for i := range slices {
		f.i("ADDQ $%d, %s", f.bytes(), argRegisters[i])
	}
	f.i("DECQ %s", n)
	f.i("JNZ loop")
	if after != nil {
		after()
	}
	f.end()
}

// loops writes the simple element-wise functions. Arguments are in DI, SI, DX,
// CX, R8 and R9, in order.
func loops(f *file) {
	f.loop("addVectors", "adds a to dst.", []string{"dst", "a"}, nil, nil, func() {
		f.load("(DI)", 0)
		f.op("VADDPS", "(SI)", 0, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("addScaledVectors", "adds s·a to dst.", []string{"dst", "a"}, []string{"s *float32"}, func() {
		f.op("VBROADCASTSS", "(DX)", 1)
	}, func() {
		f.load("(DI)", 0)
		f.op("VFMADD231PS", "(SI)", 1, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("addProductVectors", "adds a·b, rounded, to dst.", []string{"dst", "a", "b"}, nil, nil, func() {
		f.load("(SI)", 0)
		f.op("VMULPS", "(DX)", 0, 0)
		f.op("VADDPS", "(DI)", 0, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("mixVectors", "writes y = x + z·(p − x), rounded at each step.", []string{"y", "x", "z", "p"}, nil, nil, func() {
		f.load("(SI)", 0)
		f.load("(CX)", 1)
		f.op("VSUBPS", 0, 1, 1)
		f.op("VMULPS", "(DX)", 1, 1)
		f.op("VADDPS", 1, 0, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("scaleVectors", "multiplies x by s.", []string{"x"}, []string{"s *float32"}, func() {
		f.op("VBROADCASTSS", "(SI)", 1)
	}, func() {
		f.op("VMULPS", "(DI)", 1, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("sumSquaresVectors", "adds the squares of x to the lanes of sum.", []string{"x"}, []string{"sum *[lanes]float32"}, func() {
		f.load("(SI)", 1)
	}, func() {
		f.load("(DI)", 0)
		f.op("VFMADD231PS", 0, 0, 1)
	}, func() { f.store(1, "(SI)") })
	f.loop("finiteVectors", "adds 0·x to the lanes of bad.", []string{"x"}, []string{"bad *[lanes]float32"}, func() {
		f.load("(SI)", 1)
		f.zero(2)
	}, func() { f.op("VFMADD231PS", "(DI)", 2, 1) }, func() { f.store(1, "(SI)") })
	f.loop("reluVectors", "writes y = max(x, 0); NaN stays.", []string{"y", "x"}, nil, func() { f.zero(1) }, func() {
		f.load("(SI)", 0)
		f.op("VMAXPS", 0, 1, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("reluBackVectors", "writes dx = dy where y > 0, else 0.", []string{"dx", "dy", "y"}, nil, func() { f.zero(2) }, func() {
		f.load("(SI)", 0)
		f.load("(DX)", 1)
		f.keep(0, 1, 2, 3, 3)
		f.store(3, "(DI)")
	}, nil)
	f.loop("leakyVectors", "writes y = x, or slope·x below 0.", []string{"y", "x"}, []string{"slope *float32"}, func() {
		f.op("VBROADCASTSS", "(DX)", 1)
	}, func() {
		f.load("(SI)", 0)
		f.op("VMULPS", 0, 1, 2)
		f.op("VMAXPS", 0, 2, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("leakyBackVectors", "writes dx = dy where y > 0, else slope·dy.", []string{"dx", "dy", "y"}, []string{"slope *float32"}, func() {
		f.op("VBROADCASTSS", "(CX)", 4)
		f.zero(5)
	}, func() {
		f.load("(SI)", 0)
		f.op("VMULPS", 0, 4, 1)
		f.load("(DX)", 2)
		f.choose(2, 5, 0, 1, 3, 3)
		f.store(3, "(DI)")
	}, nil)
	f.loop("sigmoidBackVectors", "writes dx = dy·y·(1−y).", []string{"dx", "dy", "y"}, nil, nil, func() {
		f.load("(DX)", 0)
		f.op("VFNMADD213PS", 0, 0, 0) // y − y²
		f.op("VMULPS", "(SI)", 0, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("tanhBackVectors", "writes dx = dy·(1−y²).", []string{"dx", "dy", "y"}, nil, nil, func() {
		f.load("(DX)", 0)
		f.op("VFNMADD213PS", f.c(1.0), 0, 0)
		f.op("VMULPS", "(SI)", 0, 0)
		f.store(0, "(DI)")
	}, nil)
	dropout(f)
	adam(f)
	sgd(f)
}

// dropout follows [Dropout]; the fields of the struct are, in order, the counter
// of each lane, first key, second key, limit and scale.
func dropout(f *file) {
	const counter, key1, key2, limit, scale, low = 4, 5, 6, 7, 8, 9
	f.loop("dropoutVectors", "drops values and scales the others.", []string{"y", "x"}, []string{"d *dropoutArgs"}, func() {
		f.load("(DX)", counter)
		for i, at := range []string{"64(DX)", "68(DX)", "72(DX)", "76(DX)"} {
			f.op("VBROADCASTSS", at, key1+i)
		}
		if !f.wide() { // there is only a signed comparison
			f.load(f.c(math.MinInt32), low)
			f.op("VPXOR", low, limit, limit)
		}
	}, func() {
		const x, t = 0, 1
		f.op("VPADDD", key1, counter, x)
		f.shiftXor(16, x, t)
		f.op("VPMULLD", f.c(0x7feb352d), x, x)
		f.shiftXor(15, x, t)
		f.xorRegister(key2, x)
		f.op("VPMULLD", f.c(-2073254261), x, x) // 0x846ca68b
		f.shiftXor(16, x, t)
		f.op("VPMULLD", f.c(0x7feb352d), x, x)
		f.shiftXor(15, x, t)
		f.op("VMULPS", "(SI)", scale, 2)
		if f.wide() {
			f.op("VPCMPUD", "$5", limit, x, "K1") // at least
			f.op("VMOVAPS.Z", 2, "K1", 2)
		} else {
			f.xorRegister(low, x)
			f.op("VPCMPGTD", x, limit, t)
			f.op("VANDNPS", 2, t, 2)
		}
		f.store(2, "(DI)")
		f.op("VPADDD", f.c(f.width), counter, counter)
	}, nil)
}

// shiftXor writes x ^= x >> bits.
func (f *file) shiftXor(bits, x, tmp int) {
	f.op("VPSRLD", fmt.Sprintf("$%d", bits), x, tmp)
	f.xorRegister(tmp, x)
}

func (f *file) xorRegister(a, dst int) {
	if f.wide() {
		f.op("VPXORD", a, dst, dst)
	} else {
		f.op("VPXOR", a, dst, dst)
	}
}

// adam follows [Adam.Step]; the fields of the struct are, in order, β₁, β₂,
// 1−β₁, 1−β₂, rate, correct, ε, decay, shrink.
func adam(f *file) {
	const beta1, beta2, keep1, keep2, rate, correct, eps, decay, shrink = 7, 8, 9, 10, 11, 12, 13, 14, 15
	// AVX2 has 16 registers: w, g, m, v need 0 to 3, and bad is 4.
	f.loop("adamVectors", "takes a step of Adam and adds 0·w to the lanes of bad.", []string{"w", "grad", "m", "v"}, []string{"a *Adam", "bad *[lanes]float32"}, func() {
		for i := range 9 {
			f.op("VBROADCASTSS", []string{"(R8)", "4(R8)", "8(R8)", "12(R8)", "16(R8)", "20(R8)", "24(R8)", "28(R8)", "32(R8)"}[i], beta1+i)
		}
		f.load("(R9)", 4)
		f.zero(5)
	}, func() {
		f.load("(DI)", 0)
		f.load("(SI)", 1)
		f.op("VFMADD231PS", decay, 0, 1) // g += decay·w
		f.op("VMULPS", "(DX)", beta1, 2)
		f.op("VFMADD231PS", keep1, 1, 2)
		f.store(2, "(DX)")
		f.op("VMULPS", 1, 1, 1)
		f.op("VMULPS", "(CX)", beta2, 3)
		f.op("VFMADD231PS", keep2, 1, 3)
		f.store(3, "(CX)")
		f.sqrt(3, 16)
		f.op("VFMADD213PS", eps, correct, 3)
		f.op("VMULPS", rate, 2, 2)
		f.divide(2, 3, 16)
		f.op("VFMSUB213PS", 2, shrink, 0) // shrink·w − step
		f.store(0, "(DI)")
		f.op("VFMADD231PS", 0, 5, 4)
	}, func() { f.store(4, "(R9)") })
}

// sqrt replaces x, at least 0, by its root. AVX-512 has an approximation of 1/√x
// which a step of Newton's method makes good to the last place or two, in a
// fraction of the time of the exact instruction. It needs values between the
// smallest and the largest normal number; NaN stays. Uses r and r+1.
func (f *file) sqrt(x, r int) {
	if !f.wide() {
		f.op("VSQRTPS", x, x)
		return
	}
	h := r + 1
	f.load(f.c(math.SmallestNonzeroFloat32*(1<<23)), h)
	f.op("VMAXPS", x, h, x)
	f.load(f.c(math.MaxFloat32), h)
	f.op("VMINPS", x, h, x)
	f.op("VRSQRT14PS", x, r)
	f.op("VMULPS", r, x, x) // √x·(1 − e)
	f.load(f.c(0.5), h)
	f.op("VMULPS", h, r, r)
	f.op("VFNMADD231PS", x, r, h) // e
	f.op("VFMADD231PS", x, h, x)
}

// divide writes a = a/b for b > 0, likewise. Uses r and r+1.
func (f *file) divide(a, b, r int) {
	if !f.wide() {
		f.op("VDIVPS", b, a, a)
		return
	}
	q := r + 1
	f.op("VRCP14PS", b, r)
	f.op("VMULPS", r, a, q)
	f.op("VFNMADD231PS", q, b, a) // a − q·b
	f.op("VFMADD213PS", q, r, a)
}

// sgd follows [SGD.Step]; the fields of the struct are, in order, rate,
// momentum, decay, own (share of g in the step), share (of b).
func sgd(f *file) {
	const rate, momentum, decay, own, share = 8, 9, 10, 11, 12
	f.loop("sgdVectors", "takes a step of SGD and adds 0·w to the lanes of bad.", []string{"w", "grad", "b"}, []string{"s *sgdFactors", "bad *[lanes]float32"}, func() {
		for i := range 5 {
			f.op("VBROADCASTSS", []string{"(CX)", "4(CX)", "8(CX)", "12(CX)", "16(CX)"}[i], rate+i)
		}
		f.load("(R8)", 4)
		f.zero(5)
	}, func() {
		f.load("(DI)", 0)
		f.load("(SI)", 1)
		f.op("VFMADD231PS", decay, 0, 1)
		f.load("(DX)", 2)
		f.op("VFMADD213PS", 1, momentum, 2) // b = μ·b + g
		f.store(2, "(DX)")
		f.op("VMULPS", own, 1, 1)
		f.op("VFMADD231PS", share, 2, 1)
		f.op("VFNMADD231PS", rate, 1, 0)
		f.store(0, "(DI)")
		f.op("VFMADD231PS", 0, 5, 4)
	}, func() { f.store(4, "(R8)") })
}
