package kernel

import "math"

// Dropout writes y = x/(1−p) where a random number is at least p, else 0. The
// numbers follow from the key and the place alone, of which the first value of x has
// the number first, on every instruction set: the same key makes the same choice. y
// and x may be the same slice.
func Dropout(y, x []float32, first uint32, key uint64, p float64) {
	y = y[:len(x)]
	d := dropoutArgs{
		key1: uint32(key), key2: uint32(key >> 32),
		limit: uint32(min(p*(1<<32), math.MaxUint32)), scale: float32(1 / (1 - p)),
	}
	for i := range d.counter {
		d.counter[i] = first + uint32(i)
	}
	v, n := whole(len(x))
	if v > 0 {
		dropoutVectors(&y[0], &x[0], &d, v)
	}
	for i := n; i < len(x); i++ {
		v := x[i] * d.scale
		if random32(first+uint32(i), d.key1, d.key2) < d.limit {
			v = 0
		}
		y[i] = v
	}
}

// dropoutArgs is Dropout for the assembly, which knows the order of the fields.
type dropoutArgs struct {
	counter           [lanes]uint32
	key1, key2, limit uint32
	scale             float32
}

// random32 hashes a counter and two keys: rounds of the mixing function
// "lowbias32" of Wellons' Hash Function Prospector.
func random32(i, key1, key2 uint32) uint32 {
	x := i + key1
	x ^= x >> 16
	x *= 0x7feb352d
	x ^= x >> 15
	x ^= key2
	x *= 0x846ca68b
	x ^= x >> 16
	x *= 0x7feb352d
	x ^= x >> 15
	return x
}
