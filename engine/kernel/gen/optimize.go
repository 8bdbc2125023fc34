package main

import "fmt"

// optimizers writes the steps of the optimizers that package kernel has beside
// Adam and SGD. AVX2 has 16 registers: the numbers of one vector take 0 to 5,
// what marks bad values 6, zeros 7, the factors 8 to 15.
func optimizers(f *file) {
	const bad, none, first = 6, 7, 8
	// step writes a loop over w, grad and the state, with factors from a struct.
	step := func(name, doc string, state []string, typ string, factors int, each func()) {
		slices := append([]string{"w", "grad"}, state...)
		s, lane := argRegisters[len(slices)], argRegisters[len(slices)+1]
		f.loop(name, doc, slices, []string{"s *" + typ, "bad *[lanes]float32"}, func() {
			for i := range factors {
				f.op("VBROADCASTSS", fmt.Sprintf("%d(%s)", 4*i, s), first+i)
			}
			f.load("("+lane+")", bad)
			f.zero(none)
		}, func() {
			each()
			f.store(0, "(DI)")
			f.op("VFMADD231PS", 0, none, bad)
		}, func() { f.store(bad, "("+lane+")") })
	}
	// rmsprop follows [RMSprop.Step]: α, 1−α, rate, momentum, ε, decay.
	rmsprop := func(name string, state []string, mean, momentum string) {
		const alpha, keep, rate, mu, eps, decay = first, first + 1, first + 2, first + 3, first + 4, first + 5
		step(name, "takes a step of RMSprop and adds 0·w to the lanes of bad.", state, "RMSprop", 6, func() {
			f.load("(DI)", 0)
			f.load("(SI)", 1)
			f.op("VFMADD231PS", decay, 0, 1)
			f.op("VMULPS", 1, 1, 2)
			f.op("VMULPS", keep, 2, 2)
			f.op("VFMADD231PS", "(DX)", alpha, 2)
			f.store(2, "(DX)")
			if mean != "" {
				f.op("VMULPS", keep, 1, 3)
				f.op("VFMADD231PS", mean, alpha, 3)
				f.store(3, mean)
				f.op("VFNMADD231PS", 3, 3, 2)
				f.op("VMAXPS", 2, none, 2)
			}
			f.op("VSQRTPS", 2, 2)
			f.op("VADDPS", eps, 2, 2)
			f.op("VDIVPS", 2, 1, 1)
			if momentum != "" {
				f.op("VFMADD231PS", momentum, mu, 1)
				f.store(1, momentum)
			}
			f.op("VFNMADD231PS", rate, 1, 0)
		})
	}
	rmsprop("rmspropVectors", []string{"v"}, "", "")
	rmsprop("rmspropMomentumVectors", []string{"v", "b"}, "", "(CX)")
	rmsprop("rmspropCenteredVectors", []string{"v", "mean"}, "(CX)", "")
	rmsprop("rmspropCenteredMomentumVectors", []string{"v", "mean", "b"}, "(CX)", "(R8)")
	// AdaGrad: rate, ε, decay.
	step("adagradVectors", "takes a step of AdaGrad and adds 0·w to the lanes of bad.", []string{"sum"}, "AdaGrad", 3, func() {
		const rate, eps, decay = first, first + 1, first + 2
		f.load("(DI)", 0)
		f.load("(SI)", 1)
		f.op("VFMADD231PS", decay, 0, 1)
		f.load("(DX)", 2)
		f.op("VFMADD231PS", 1, 1, 2)
		f.store(2, "(DX)")
		f.op("VSQRTPS", 2, 2)
		f.op("VADDPS", eps, 2, 2)
		f.op("VMULPS", rate, 1, 1)
		f.op("VDIVPS", 2, 1, 1)
		f.op("VSUBPS", 1, 0, 0)
	})
	// AdaBound: β₁, β₂, rate, ε, decay, low, high; 1−β comes from a subtraction.
	step("adaboundVectors", "takes a step of AdaBound and adds 0·w to the lanes of bad.", []string{"m", "v"}, "AdaBound", 7, func() {
		const beta1, beta2, rate, eps, decay, low, high = first, first + 1, first + 2, first + 3, first + 4, first + 5, first + 6
		f.load("(DI)", 0)
		f.load("(SI)", 1)
		f.op("VFMADD231PS", decay, 0, 1)
		f.load("(DX)", 2)
		f.op("VSUBPS", 1, 2, 2)
		f.op("VFMADD213PS", 1, beta1, 2) // β₁·(m − g) + g
		f.store(2, "(DX)")
		f.op("VMULPS", 1, 1, 1)
		f.load("(CX)", 3)
		f.op("VSUBPS", 1, 3, 3)
		f.op("VFMADD213PS", 1, beta2, 3)
		f.op("VMAXPS", 3, none, 3)
		f.store(3, "(CX)")
		f.op("VSQRTPS", 3, 3)
		f.op("VADDPS", eps, 3, 3)
		f.op("VDIVPS", 3, rate, 3)
		f.op("VMAXPS", 3, low, 3) // the number comes second, so that NaN stays
		f.op("VMINPS", 3, high, 3)
		f.op("VFNMADD231PS", 3, 2, 0)
	})
	amsgrad(f)
	f.loop("lerpVectors", "writes dst += s·(a − dst).", []string{"dst", "a"}, []string{"s *float32"}, func() {
		f.op("VBROADCASTSS", "(DX)", 1)
	}, func() {
		f.load("(SI)", 0)
		f.load("(DI)", 2)
		f.op("VSUBPS", 2, 0, 0)
		f.op("VFMADD231PS", 1, 0, 2)
		f.store(2, "(DI)")
	}, nil)
	f.loop("clampVectors", "limits x to [−s, s]; NaN stays.", []string{"x"}, []string{"s *float32"}, func() {
		f.op("VBROADCASTSS", "(SI)", 1)
		f.zero(2)
		f.op("VSUBPS", 1, 2, 2)
	}, func() {
		f.load("(DI)", 0)
		f.op("VMINPS", 0, 1, 0)
		f.op("VMAXPS", 0, 2, 0)
		f.store(0, "(DI)")
	}, nil)
}

// amsgrad follows [Adam.StepMax]; the fields of the struct are as for adam.
func amsgrad(f *file) {
	const beta1, beta2, keep1, keep2, rate, correct, eps, decay, shrink = 7, 8, 9, 10, 11, 12, 13, 14, 15
	f.loop("amsgradVectors", "takes a step of AMSGrad and adds 0·w to the lanes of bad.", []string{"w", "grad", "m", "v", "top"}, []string{"a *Adam", "bad *[lanes]float32"}, func() {
		for i := range 9 {
			f.op("VBROADCASTSS", fmt.Sprintf("%d(R9)", 4*i), beta1+i)
		}
		f.load("(R10)", 4)
		f.zero(5)
	}, func() {
		f.load("(DI)", 0)
		f.load("(SI)", 1)
		f.op("VFMADD231PS", decay, 0, 1)
		f.op("VMULPS", "(DX)", beta1, 2)
		f.op("VFMADD231PS", keep1, 1, 2)
		f.store(2, "(DX)")
		f.op("VMULPS", 1, 1, 1)
		f.op("VMULPS", "(CX)", beta2, 3)
		f.op("VFMADD231PS", keep2, 1, 3)
		f.store(3, "(CX)")
		f.load("(R8)", 6)
		f.op("VMAXPS", 3, 6, 3)
		f.store(3, "(R8)")
		f.op("VSQRTPS", 3, 3)
		f.op("VFMADD213PS", eps, correct, 3)
		f.op("VMULPS", rate, 2, 2)
		f.op("VDIVPS", 3, 2, 2)
		f.op("VFMSUB213PS", 2, shrink, 0)
		f.store(0, "(DI)")
		f.op("VFMADD231PS", 0, 5, 4)
	}, func() { f.store(4, "(R10)") })
}
