package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Every row comes to the node where plain comparisons lead it, with every instruction set.
func TestHeapLeaves(t *testing.T) {
	defer func(was level) { use = was }(use)
	r := rand.New(rand.NewPCG(1, 1))
	for _, set := range []level{generic, best} {
		use = set
		for levels := range 9 {
			for range 20 {
				const columns = 7
				values := make([]int32, columns*HeapRows)
				for i := range values {
					values[i] = []int32{int32(r.Uint32()), 5, math.MinInt32, math.MaxInt32}[r.IntN(4)]
				}
				at, slots := make([]int32, 256), make([]int32, 256)
				for i := range at {
					at[i] = []int32{int32(r.Uint32()), 5, math.MinInt32, math.MaxInt32}[r.IntN(4)]
					slots[i] = int32(r.IntN(columns)) * HeapRows
				}
				var leaf [HeapRows]int32
				HeapLeaves(&leaf, values, at, slots, levels)
				for row, got := range leaf {
					node := 1
					for range levels {
						x := values[int(slots[node])+row]
						if node *= 2; x > at[node/2] {
							node++
						}
					}
					if int(got) != node {
						t.Fatalf("%v, %d levels: row %d comes to node %d, want %d", set, levels, row, got, node)
					}
				}
			}
		}
	}
}
