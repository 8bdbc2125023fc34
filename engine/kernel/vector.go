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

// Width is the floats of a vector at the level in use, 1 if there are no vectors: rows of
// other lengths take longer.
func Width() int { return max(width(), 1) }

// whole is how many whole vectors n floats hold, and how many floats that is.
func whole(n int) (vectors, floats int) {
	w := width()
	if w == 0 {
		return 0, 0
	}
	return n / w, n / w * w
}

// rest is room for the values that do not fill a vector, filled up with ones. They are
// computed as one more vector, so that an optimizer's step gives the same bits
// wherever the parameters are cut.
type rest [lanes]float32

// fill is a vector that begins with x.
func (r *rest) fill(x []float32) []float32 {
	for i := copy(r[:], x); i < len(r); i++ {
		r[i] = 1
	}
	return r[:width()]
}

// odd reports whether n values that are left do not fill a vector, where there are any.
func odd(n int) bool { return n > 0 && width() > 0 }
