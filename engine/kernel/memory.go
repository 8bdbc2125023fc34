package kernel

import "unsafe"

// HugePage is the size of a large memory page in floats (2 MiB).
const HugePage = 1 << 19

// cacheLine is the size of a cache line in floats.
const cacheLine = 16

// Floats makes a slice of n zeros that starts at a cache line. A large one starts
// at a large page and is kept in such pages where the system has them: training
// goes through all of it in every step, and otherwise waits for page tables for
// up to a tenth of its time.
func Floats(n int) []float32 {
	to := cacheLine
	if n >= HugePage {
		to = HugePage
	}
	s := make([]float32, n+to)
	off := -int(uintptr(unsafe.Pointer(&s[0]))/4) & (to - 1)
	s = s[off : off+n : off+n]
	if whole := n / HugePage * HugePage; whole > 0 {
		adviseHuge(unsafe.Slice((*byte)(unsafe.Pointer(&s[0])), 4*whole))
	}
	return s
}
