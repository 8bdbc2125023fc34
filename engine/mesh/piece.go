package mesh

// grain is where vectors may be cut, in values: an optimizer that works on vectors of
// 16 floats gives the same bits on a piece as on the whole.
const grain = 16

// Cut gives the piece i of n of a vector of length values, from … to−1. Pieces begin
// at multiples of 16, differ by at most 16 values except for the last one, and may be
// empty.
func Cut(length, n, i int) (from, to int) { return bound(length, n, i), bound(length, n, i+1) }

// bound is where piece i begins.
func bound(length, n, i int) int {
	return min((length+grain-1)/grain*i/n*grain, length)
}
