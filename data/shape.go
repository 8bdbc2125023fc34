package data

import (
	"math"
	"strconv"
	"strings"
)

// Shape is the shape of one sample: {features}, a sequence {steps, features}, or
// an image {height, width, channels}. The number of samples is never part of it. Values lie row-major, channels
// innermost (NHWC).
type Shape []int

// Size is the number of values of one sample; a shape without dimensions or
// with a dimension below 1 has none. It stops at the largest int.
func (s Shape) Size() int {
	if len(s) == 0 {
		return 0
	}
	n := 1
	for _, d := range s {
		if d < 1 {
			return 0
		}
		if n > math.MaxInt/d {
			return math.MaxInt
		}
		n *= d
	}
	return n
}

// Equal reports whether two shapes are the same.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

// String writes a shape as 28×28×1.
func (s Shape) String() string {
	if len(s) == 0 {
		return "()"
	}
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = strconv.Itoa(d)
	}
	return strings.Join(parts, "×")
}
