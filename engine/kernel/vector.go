package kernel

// lanes is the largest number of floats in a vector.
const lanes = 16

// width is the number of floats in a vector of the instruction set in use, 0 for
// plain Go.
func width() int {
	switch use {
	case avx512:
		return 16
	case avx2:
		return 8
	}
	return 0
}

// whole is how many whole vectors n floats hold, and how many floats that is.
func whole(n int) (vectors, floats int) {
	w := width()
	if w == 0 {
		return 0, 0
	}
	return n / w, n / w * w
}
