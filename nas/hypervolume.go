package nas

import (
	"cmp"
	"slices"
)

// Hypervolume is the volume that points of losses dominate, up to a reference
// point that is worse in every loss: what a Pareto front is worth in one
// number. It cuts along the last loss and recurs (hypervolume by slicing
// objectives; While et al. 2006); with two losses that is one sorted pass.
// Points that are not below the reference in every loss add nothing.
func Hypervolume(points [][]float64, reference []float64) float64 {
	if len(reference) == 0 {
		return 0
	}
	inside := make([][]float64, 0, len(points))
	for _, p := range points {
		if below(p, reference) {
			inside = append(inside, p)
		}
	}
	return sliced(inside, reference)
}

func below(p, reference []float64) bool {
	for i, r := range reference {
		if i >= len(p) || !(p[i] < r) {
			return false
		}
	}
	return true
}

// sliced is the volume of points that are all below the reference.
func sliced(points [][]float64, reference []float64) float64 {
	last := len(reference) - 1
	if len(points) == 0 {
		return 0
	}
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b []float64) int { return cmp.Compare(a[last], b[last]) })
	if last == 0 {
		return reference[0] - points[0][0]
	}
	volume := 0.
	if last == 1 { // each point adds a strip left of what the ones before reach
		left := reference[0]
		for _, p := range points {
			if p[0] < left {
				volume += (left - p[0]) * (reference[1] - p[1])
				left = p[0]
			}
		}
		return volume
	}
	for i, p := range points {
		next := reference[last]
		if i+1 < len(points) {
			next = points[i+1][last]
		}
		if next > p[last] {
			volume += (next - p[last]) * sliced(points[:i+1], reference[:last])
		}
	}
	return volume
}
