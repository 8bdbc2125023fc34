package trees

import "math"

// sortNumbers is the values but NaN, sorted, by a radix sort of their bits. spare has room for
// twice as many.
func sortNumbers(values []float32, spare []uint32) []float32 {
	keys, other := spare[:0:len(values)], spare[len(values):2*len(values)]
	for _, v := range values {
		if v != v {
			continue
		}
		bits := math.Float32bits(v + 0) // no negative zero
		if bits>>31 != 0 {
			bits = ^bits
		} else {
			bits |= 1 << 31
		}
		keys = append(keys, bits)
	}
	other = other[:len(keys)]
	const digit = 11
	for shift := 0; shift < 32; shift += digit {
		var at [1 << digit]int
		for _, k := range keys {
			at[k>>shift&(1<<digit-1)]++
		}
		sum := 0
		for i, n := range at {
			at[i], sum = sum, sum+n
		}
		for _, k := range keys {
			d := k >> shift & (1<<digit - 1)
			other[at[d]] = k
			at[d]++
		}
		keys, other = other, keys
	}
	out := make([]float32, len(keys))
	for i, k := range keys {
		if k>>31 != 0 {
			k &^= 1 << 31
		} else {
			k = ^k
		}
		out[i] = math.Float32frombits(k)
	}
	return out
}
