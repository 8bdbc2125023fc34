package kernel

// HeapRows is the number of rows that [HeapLeaves] takes at a time.
const HeapRows = 64

// heapNumbers are the numbers of the rows.
var heapNumbers = func() (n [HeapRows]int32) {
	for i := range n {
		n[i] = int32(i)
	}
	return n
}()

// HeapLeaves takes 64 rows down a binary tree that is laid out as a heap: node 1 is the root, those below node a
// are 2a and 2a+1. A row goes to the latter where its value values[slots[a]+row] is above at[a]. leaf gets the node that
// each row comes to after so many levels, at most 8. at and slots have at least 256 values, whatever of them is used; each of slots
// is a place in values, with 63 more behind it.
func HeapLeaves(leaf *[HeapRows]int32, values []int32, at, slots []int32, levels int) {
	a, s := (*[256]int32)(at), (*[256]int32)(slots)
	if use == avx512 && levels <= 6 && len(values) >= HeapRows {
		heapLeaves(&leaf[0], &values[0], &a[0], &s[0], levels, &heapNumbers[0])
		return
	}
	for i := 0; i < HeapRows; i += 4 {
		x := values[i:]
		p, q, r, t := 1, 1, 1, 1
		for range levels {
			p = 2*p + above(x[s[uint8(p)]], a[uint8(p)])
			q = 2*q + above(x[s[uint8(q)]+1], a[uint8(q)])
			r = 2*r + above(x[s[uint8(r)]+2], a[uint8(r)])
			t = 2*t + above(x[s[uint8(t)]+3], a[uint8(t)])
		}
		leaf[i], leaf[i+1], leaf[i+2], leaf[i+3] = int32(p), int32(q), int32(r), int32(t)
	}
}

// above is 1 for a value above another one, else 0, without a branch.
func above(x, at int32) int { return int(uint64(int64(at)-int64(x)) >> 63) }
