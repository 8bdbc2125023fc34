package plan

import (
	"math"

	"budwood/data"
)

// Product is the product of numbers from 0 on. It stops at the largest int64.
func Product(factors ...int) int64 {
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

// Plus is the sum of numbers from 0 on. It stops at the largest int64.
func Plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Places is the number of steps or pixels of a shape.
func Places(s data.Shape) int { return max(s[:len(s)-1].Size(), 1) }

// Total is the number of floats in a list of tensors.
func Total(ps []*Param) (n int64) {
	for _, p := range ps {
		n = Plus(n, p.Size)
	}
	return n
}
