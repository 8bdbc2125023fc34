package kernel

// peakChains is the number of independent multiply-adds in a round of [Peak].
const peakChains = 12

// Peak does rounds of multiply-adds on registers alone, as fast as the
// instruction set in use can, and returns how many operations that were: what a
// product of matrices is measured against.
func Peak(rounds int) (flops float64) {
	if rounds <= 0 {
		return 0
	}
	if w := width(); w > 0 {
		multiplyAdds(rounds)
		return 2 * peakChains * float64(w) * float64(rounds)
	}
	var a, b, s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11 float32
	for range rounds {
		s0 += a * b
		s1 += a * b
		s2 += a * b
		s3 += a * b
		s4 += a * b
		s5 += a * b
		s6 += a * b
		s7 += a * b
		s8 += a * b
		s9 += a * b
		s10 += a * b
		s11 += a * b
	}
	if s0+s1+s2+s3+s4+s5+s6+s7+s8+s9+s10+s11 != 0 {
		return 0 // never: the sums are used
	}
	return 2 * peakChains * float64(rounds)
}
