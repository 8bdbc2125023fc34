package hpo

import "math"

// logEI is the logarithm of the expected improvement over best of a normal
// distribution, for minimisation, and its derivatives by the mean and by the
// standard deviation: log σ + log h(z), h(z) = φ(z) + zΦ(z), z = (best − μ)/σ.
// It stays exact where the improvement itself is less than the least float64
// (Ament et al. 2023, Section 4 and Appendix A.1).
func logEI(best, mu, sigma float64) (value, byMu, bySigma float64) {
	z := (best - mu) / sigma
	h, slope := logH(z)
	return math.Log(sigma) + h, -slope / sigma, (1 - slope*z) / sigma
}

// logH is log h(z) and its derivative Φ(z)/h(z).
func logH(z float64) (h, slope float64) {
	const (
		halfLog2Pi = .91893853320467274178
		rootHalfPi = 1.2533141373155002512
	)
	switch {
	case z > -1:
		phi, c := math.Exp(-z*z/2-halfLog2Pi), .5*math.Erfc(-z/math.Sqrt2)
		v := phi + z*c
		return math.Log(v), c / v
	case z > -50:
		ratio := rootHalfPi * erfcx(-z/math.Sqrt2) // Φ/φ
		v := 1 + z*ratio                           // h/φ
		return -z*z/2 - halfLog2Pi + math.Log(v), ratio / v
	}
	w := 1 / (z * z)
	v := w * (1 - w*(3-15*w))
	ratio := -(1 - w*(1-3*w)) / z
	return -z*z/2 - halfLog2Pi + math.Log(v), ratio / v
}

// erfcx is exp(x²) erfc(x) for x ≥ 0.
func erfcx(x float64) float64 {
	if x < 20 {
		return math.Exp(x*x) * math.Erfc(x)
	}
	w := 1 / (2 * x * x)
	return (1 - w*(1-3*w*(1-5*w))) / (x * math.SqrtPi)
}
