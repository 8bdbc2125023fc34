package scheduler

import "math"

// spreadOut orders a front so that each of its beginnings covers it well: the
// best of the first objective, then always the point that is farthest from those
// before it (an ε-net; Schmucker et al. 2021, Section 3.2). Distances are
// Euclidean, each objective scaled by its range over the front.
func spreadOut(losses [][]float64, front []int) []int {
	if len(front) < 3 {
		return front
	}
	scale := make([]float64, len(losses[front[0]]))
	for k := range scale {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, i := range front {
			if v := losses[i][k]; !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
		if hi > lo {
			scale[k] = 1 / (hi - lo)
		}
	}
	far := make([]float64, len(front)) // squared distance to the nearest one taken
	for n := range far {
		far[n] = math.Inf(1)
	}
	out := make([]int, 0, len(front))
	for next := 0; len(out) < len(front); {
		taken := front[next]
		out = append(out, taken)
		far[next] = -1
		top := -1.
		for n, i := range front {
			if far[n] < 0 {
				continue
			}
			d := 0.
			for k, s := range scale {
				if a, b := losses[i][k], losses[taken][k]; a != b && s > 0 {
					x := min(math.Abs(a-b)*s, 1)
					d += x * x
				}
			}
			if far[n] = min(far[n], d); far[n] > top {
				top, next = far[n], n
			}
		}
	}
	return out
}
