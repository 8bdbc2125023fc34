// Package check says what is wrong with the numbers of a configuration.
package check

import (
	"fmt"
	"math"
)

// NonNegative reports, as an error that begins with what, that x is below 0 or
// not finite.
func NonNegative(what string, x float64) error {
	if !(x >= 0) || math.IsInf(x, 0) {
		return fmt.Errorf("%s %v is not a finite number from 0 on", what, x)
	}
	return nil
}

// Fraction reports, as an error that begins with what, that x is outside [0, 1).
func Fraction(what string, x float64) error {
	if !(x >= 0 && x < 1) {
		return fmt.Errorf("%s %v is outside [0, 1)", what, x)
	}
	return nil
}
