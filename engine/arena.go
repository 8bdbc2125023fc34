package engine

import "unsafe"

// hugePage is the size of a large memory page in floats (2 MiB).
const hugePage = 1 << 19

// alignedFloats makes a slice that starts at a cache line. A large one starts at
// a large page and is kept in such pages where the system has them: training
// goes through all of it in every step, and otherwise waits for page tables
// often, by up to a tenth of its time.
func alignedFloats(n int) []float32 {
	to := align
	if n >= hugePage {
		to = hugePage
	}
	s := make([]float32, n+to)
	off := -int(uintptr(unsafe.Pointer(&s[0]))/4) & (to - 1)
	s = s[off : off+n : off+n]
	if whole := n / hugePage * hugePage; whole > 0 {
		adviseHuge(unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), 4*whole))
	}
	return s
}
