package search

import "slices"

// Dominates reports whether losses a are nowhere worse than b and somewhere
// better (Pareto dominance). Both have the same length.
func Dominates(a, b []float64) bool {
	better := false
	for i := range a {
		if a[i] > b[i] {
			return false
		}
		better = better || a[i] < b[i]
	}
	return better
}

// Fronts sorts points into non-dominated fronts, the best first: a point's front
// is one more than the worst front of those that dominate it (Deb et al. 2002).
// Losses[i] are the losses of point i. It returns the points of each front, in
// lexicographic order of their losses; equal points share a front. The search
// for a point's front is binary (ENS-BS; Zhang et al. 2015).
func Fronts(losses [][]float64) [][]int {
	order := make([]int, len(losses))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return slices.Compare(losses[a], losses[b]) })
	var out [][]int
	for _, i := range order {
		lo, hi := 0, len(out)
		for lo < hi { // the first front of which nobody dominates i
			mid := (lo + hi) / 2
			if dominatedBy(losses, out[mid], i) {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo == len(out) {
			out = append(out, nil)
		}
		out[lo] = append(out[lo], i)
	}
	return out
}

// dominatedBy reports whether a member of a front dominates point i. Of points in
// lexicographic order the last ones are the likeliest.
func dominatedBy(losses [][]float64, front []int, i int) bool {
	for k := len(front) - 1; k >= 0; k-- {
		if Dominates(losses[front[k]], losses[i]) {
			return true
		}
	}
	return false
}
