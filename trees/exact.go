package trees

import "math"

// exact rounds gradients to multiples of a power of 2 for which the sum of all of them, in
// any order and of any subset, needs no more than the 53 bits of a float64. The power is at most 2⁻²⁹ of the
// largest gradient for a million rows: far below what float32 says of that one.
func exact(grads []grad) {
	var g, h float32
	for _, p := range grads {
		g, h = max(g, p.g, -p.g), max(h, p.h)
	}
	cg, ch := magic(g, len(grads)), magic(h, len(grads))
	for i, p := range grads {
		grads[i] = grad{float32(float64(p.g) + cg - cg), float32(float64(p.h) + ch - ch)}
	}
}

// magic is the number that, added and taken away again, rounds float64 numbers up to most so that n of them have
// exact sums.
func magic(most float32, n int) float64 {
	if most == 0 {
		return 0
	}
	_, e := math.Frexp(float64(most) * float64(n)) // all sums are below 2^e
	return math.Ldexp(1.5, e+1)                    // whose last bit is 2^(e+1-52): sums of such need 51 bits
}
