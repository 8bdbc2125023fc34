package mesh

import "unsafe"

// Bytes is the memory of x as bytes, in the byte order of the machine (which peers
// check when they meet).
func Bytes[T float32 | float64](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), uintptr(len(x))*unsafe.Sizeof(*new(T)))
}

// values is the memory of b as numbers. Chunks of vectors and frames begin at
// multiples of eight bytes.
func values[T float32 | float64](b []byte) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b))/unsafe.Sizeof(*new(T)))
}

// plainAdd adds a to dst.
func plainAdd[T float32 | float64](dst, a []T) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] += v
	}
}
