package kernel

import "math"

// exp is eˣ to 2 units in the last place: x = n·ln 2 + r, a polynomial for eʳ
// (Cephes expf), and n added to the exponent. Results below the smallest normal
// number are 0.
func exp(x float32) float32 {
	switch {
	case x > 88.72283:
		return float32(math.Inf(1))
	case x < -87.33654:
		return 0
	case x != x:
		return x
	}
	const magic = 3 << 22 // adding it rounds to a whole number
	n := x*math.Log2E + magic - magic
	r := x - n*0.693359375 + n*2.12194440e-4
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	p = p*r*r + r + 1
	// 2ⁿ in two steps, since 2¹²⁸ is out of range.
	h := int32(n) >> 1
	return p * math.Float32frombits(uint32(h+127)<<23) * math.Float32frombits(uint32(int32(n)-h+127)<<23)
}

// tanh to 2 units in the last place: an odd polynomial near 0 (Cephes tanhf),
// else 1 − 2/(e²ˣ + 1).
func tanh(x float32) float32 {
	if a := max(x, -x); a < 0.625 {
		z := x * x
		p := float32(-5.70498872745e-3)
		p = p*z + 2.06390887954e-2
		p = p*z - 5.37397155531e-2
		p = p*z + 1.33314422036e-1
		p = p*z - 3.33332819422e-1
		return p*z*x + x
	}
	return 1 - 2/(exp(2*x)+1)
}

func sigmoid(x float32) float32 { return 1 / (1 + exp(-x)) }

// normal is the normal distribution function Φ(x) and density φ(x), with an
// absolute error of Φ below 2e-7 (Abramowitz & Stegun 7.1.26, with x/√2).
func normal(x float32) (cdf, density float32) {
	e := exp(-0.5 * x * x)
	t := 1 / (1 + 0.3275911*math.Sqrt2/2*max(x, -x))
	p := float32(1.061405429)
	p = p*t - 1.453152027
	p = p*t + 1.421413741
	p = p*t - 0.284496736
	p = p*t + 0.254829592
	tail := 0.5 * p * t * e
	if x > 0 {
		tail = 1 - tail
	}
	return tail, e * 0.3989422804
}
