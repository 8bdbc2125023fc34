package engine

import (
	"math"

	"budwood/data"
)

// product and plus are arithmetic that stops at the largest int64.
func product(factors ...int) int64 {
	p := int64(1)
	for _, f := range factors {
		if f == 0 {
			return 0
		}
		if p > math.MaxInt64/int64(f) {
			return math.MaxInt64
		}
		p *= int64(f)
	}
	return p
}

func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// places is the number of steps or pixels of a shape.
func places(s data.Shape) int { return max(s[:len(s)-1].Size(), 1) }

// total is the size of a list of tensors.
func total(ps []*param) (n int64) {
	for _, p := range ps {
		n = plus(n, p.size)
	}
	return n
}
