package main

import "math"

// functions writes the element-wise functions built on the exponential, with
// the formulas of the plain Go code in math.go. Vector registers 6 and up are
// temporary.
func functions(f *file) {
	f.loop("expVectors", "writes y = exp(x).", []string{"y", "x"}, nil, nil, func() {
		f.load("(SI)", 0)
		f.exp(0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("sigmoidVectors", "writes y = 1/(1 + exp(−x)).", []string{"y", "x"}, nil, nil, func() {
		f.load("(SI)", 0)
		f.sigmoid(0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("tanhVectors", "writes y = tanh(x).", []string{"y", "x"}, nil, nil, func() {
		f.load("(SI)", 0)
		f.tanh(0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("siluVectors", "writes y = x·sigmoid(x).", []string{"y", "x"}, nil, nil, func() {
		f.load("(SI)", 0)
		f.sigmoid(0)
		f.op("VMULPS", "(SI)", 0, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("siluBackVectors", "writes dx = dy·s·(1 + x·(1−s)) with s = sigmoid(x).", []string{"dx", "dy", "x"}, nil, nil, func() {
		f.load("(DX)", 1)
		f.op("VMOVAPS", 1, 0)
		f.sigmoid(0)
		f.load(f.c(1.0), 2)
		f.op("VSUBPS", 0, 2, 3)      // 1 − s
		f.op("VFMADD213PS", 2, 3, 1) // 1 + x·(1−s)
		f.op("VMULPS", 0, 1, 1)
		f.op("VMULPS", "(SI)", 1, 1)
		f.store(1, "(DI)")
	}, nil)
	f.loop("geluVectors", "writes y = x·Φ(x).", []string{"y", "x"}, nil, nil, func() {
		f.load("(SI)", 1)
		f.normal()
		f.op("VMULPS", 2, 1, 0)
		f.store(0, "(DI)")
	}, nil)
	f.loop("geluBackVectors", "writes dx = dy·(Φ(x) + x·φ(x)).", []string{"dx", "dy", "x"}, nil, nil, func() {
		f.load("(DX)", 1)
		f.normal()
		f.op("VMULPS", f.c(1/math.Sqrt(2*math.Pi)), 0, 0)
		f.op("VFMADD213PS", 2, 1, 0)
		f.op("VMULPS", "(SI)", 0, 0)
		f.store(0, "(DI)")
	}, nil)
}

// poly writes p = (…(c₀·x + c₁)·x + …) with the coefficients from the highest
// power down.
func (f *file) poly(p, x int, coefficients ...float64) {
	f.load(f.c(coefficients[0]), p)
	for _, c := range coefficients[1:] {
		f.op("VFMADD213PS", f.c(c), x, p)
	}
}

// exp replaces x by its exponential: x = n·ln 2 + r, a polynomial for eʳ, times
// 2ⁿ. Uses 6 to 8.
func (f *file) exp(x int) {
	const n, p, t = 6, 7, 8
	// The number comes second, so that NaN stays.
	f.load(f.c(89.0), t)
	f.op("VMINPS", x, t, x)
	f.load(f.c(-104.0), t)
	f.op("VMAXPS", x, t, x)
	f.op("VMULPS", f.c(math.Log2E), x, n)
	if f.wide() {
		f.op("VRNDSCALEPS", "$8", n, n)
	} else {
		f.op("VROUNDPS", "$8", n, n)
	}
	f.op("VFNMADD231PS", f.c(0.693359375), n, x)
	f.op("VFMADD231PS", f.c(2.12194440e-4), n, x)
	f.poly(p, x, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	f.op("VMULPS", x, x, t)
	f.op("VFMADD213PS", x, t, p)
	f.op("VADDPS", f.c(1.0), p, p)
	if f.wide() {
		f.op("VSCALEFPS", n, p, x)
		return
	}
	// 2ⁿ in two steps, since 2¹²⁸ is out of range.
	f.op("VCVTPS2DQ", n, n)
	f.op("VPSRAD", "$1", n, t)
	f.op("VPSUBD", t, n, n)
	for _, h := range []int{t, n} {
		f.op("VPADDD", f.c(127), h, h)
		f.op("VPSLLD", "$23", h, h)
		f.op("VMULPS", h, p, p)
	}
	f.op("VMOVAPS", p, x)
}

// and writes dst = a & b, for bits.
func (f *file) and(b string, a, dst int) {
	if f.wide() {
		f.op("VPANDD", b, a, dst)
	} else {
		f.op("VPAND", b, a, dst)
	}
}

func (f *file) xor(b string, a, dst int) {
	if f.wide() {
		f.op("VPXORD", b, a, dst)
	} else {
		f.op("VPXOR", b, a, dst)
	}
}

// sigmoid replaces x by 1/(1 + exp(−x)). Uses 6 to 8.
func (f *file) sigmoid(x int) {
	f.xor(f.c(math.MinInt32), x, x)
	f.exp(x)
	f.load(f.c(1.0), 6)
	f.op("VADDPS", 6, x, x)
	f.op("VDIVPS", x, 6, x)
}

// tanh replaces x. Uses 1 to 8.
func (f *file) tanh(x int) {
	const old, near, square, size, limit = 1, 2, 3, 4, 5
	f.op("VMOVAPS", x, old)
	f.op("VMULPS", x, x, square)
	f.poly(near, square, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
	f.op("VMULPS", square, near, near)
	f.op("VFMADD213PS", old, old, near)
	f.op("VADDPS", x, x, x)
	f.exp(x)
	f.load(f.c(1.0), 6)
	f.load(f.c(2.0), 7)
	f.op("VADDPS", 6, x, x)
	f.op("VDIVPS", x, 7, 7)
	f.op("VSUBPS", 7, 6, x)
	f.and(f.c(math.MaxInt32), old, size)
	f.load(f.c(0.625), limit)
	f.choose(limit, size, near, x, x, 8)
}

// normal writes, for x in register 1, exp(−x²/2) to 0 and Φ(x) to 2. Uses 3 to
// 8.
func (f *file) normal() {
	const e, x, p, t, one = 0, 1, 2, 3, 4
	f.op("VMULPS", f.c(-0.5), x, e)
	f.op("VMULPS", x, e, e)
	f.exp(e)
	f.and(f.c(math.MaxInt32), x, t)
	f.load(f.c(1.0), one)
	f.op("VFMADD132PS", f.c(0.3275911*math.Sqrt2/2), one, t) // 1 + c·|x|
	f.op("VDIVPS", t, one, t)
	f.poly(p, t, 1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
	f.op("VMULPS", f.c(0.5), t, t)
	f.op("VMULPS", t, p, p)
	f.op("VMULPS", e, p, p) // Φ(−|x|)
	f.op("VSUBPS", p, one, t)
	f.zero(5)
	f.choose(x, 5, t, p, p, 6)
}
