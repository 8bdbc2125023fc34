package kernel

func heapLeaves(leaf, values, at, slots *int32, levels int, rows *int32) {
	heapLeavesAVX512(leaf, values, at, slots, levels, rows)
}
