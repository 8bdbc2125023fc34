package engine

import "fmt"

// Eps is the ε that a norm adds to the variance, given what its description says.
func Eps(eps float64) float64 {
	if eps == 0 {
		return 1e-5
	}
	return eps
}

// checkEps checks the ε of a description.
func checkEps[L Layer](l L, eps float64) error {
	if !(eps >= 0 && eps < 1) {
		return fmt.Errorf("%v: ε %v is outside [0, 1)", l, eps)
	}
	return nil
}

// describeEps writes an ε that is not the default between two texts.
func describeEps(before string, eps float64, behind string) string {
	if eps == 0 {
		return ""
	}
	return fmt.Sprintf("%sε %g%s", before, eps, behind)
}
