// Package small is code with known faults in its tests.
package small

import "errors"

var errNone = errors.New("there are none")

// Mean is tested well.
func Mean(v []float64) (float64, error) {
	if len(v) == 0 {
		return 0, errNone
	}
	sum := 0.
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v)), nil
}

// Adult is tested far from the boundary.
func Adult(age int) bool { return age >= 18 }

// Both is not tested where the operands differ.
func Both(a, b bool) bool { return a && b }

// First is tested, except for the break.
func First(v []int, want int) int {
	at := -1
	for i, x := range v {
		if x == want {
			at = i
			break
		}
	}
	return at
}

// Halve ends because of what its loop does, in which a mutant has no end.
func Halve(n int) (steps int) {
	for n > 1 {
		n /= 2
		steps++
	}
	return steps
}

// Clamp is tested within its range.
func Clamp(x uint8) uint8 { return min(max(x, 10), 200) }

// Untested is.
func Untested(on bool) bool {
	if !on {
		return true
	}
	return false
}
