package hpo

import (
	"cmp"
	"math"
	"slices"
)

// Hypervolume is the volume that is dominated by points and bounded by a
// reference point; less is better in each coordinate. Points that are not below
// the reference in every coordinate add nothing. It is exact: a sweep in two
// dimensions, the WFG recursion (While, Bradstreet & Barone 2012) in more.
func Hypervolume(points [][]float64, ref []float64) float64 {
	var inside [][]float64
	for _, p := range points {
		below := len(p) == len(ref)
		for k := 0; below && k < len(ref); k++ {
			below = p[k] < ref[k]
		}
		if below {
			inside = append(inside, p)
		}
	}
	return volume(nonDominated(inside), ref)
}

// volume is that of points that do not dominate each other.
func volume(points [][]float64, ref []float64) float64 {
	switch {
	case len(points) == 0:
		return 0
	case len(ref) == 1:
		return ref[0] - points[0][0]
	case len(ref) == 2:
		slices.SortFunc(points, func(a, b []float64) int { return cmp.Compare(a[0], b[0]) })
		sum, top := 0., ref[1]
		for _, p := range points {
			sum += (ref[0] - p[0]) * (top - p[1])
			top = p[1]
		}
		return sum
	}
	// Worst first in the last coordinate: what the others leave of a point then
	// has one dimension less to vary in.
	slices.SortFunc(points, func(a, b []float64) int { return cmp.Compare(b[len(ref)-1], a[len(ref)-1]) })
	sum := 0.
	for i, p := range points {
		sum += exclusive(p, points[i+1:], ref)
	}
	return sum
}

// exclusive is the volume that only p dominates, and none of the others.
func exclusive(p []float64, others [][]float64, ref []float64) float64 {
	own := 1.
	for k := range ref {
		own *= ref[k] - p[k]
	}
	limited := make([][]float64, len(others))
	for i, q := range others {
		limited[i] = make([]float64, len(ref))
		for k := range ref {
			limited[i][k] = max(p[k], q[k])
		}
	}
	return own - volume(nonDominated(limited), ref)
}

// nonDominated are the points that no other one dominates, equal ones once.
func nonDominated(points [][]float64) [][]float64 {
	if len(points) == 0 {
		return nil
	}
	var out [][]float64
	for _, i := range fronts(points)[0] { // equal ones stand together
		if len(out) == 0 || !slices.Equal(out[len(out)-1], points[i]) {
			out = append(out, points[i])
		}
	}
	return out
}

// subset picks n of a front so that they dominate much: greedily, the one that
// adds the most volume next (Guerreiro, Fonseca & Paquete 2016). What a point
// adds only shrinks, so that old values bound the new ones.
func subset(losses [][]float64, front []int, n int, ref []float64) []int {
	type bound struct {
		i    int
		adds float64
	}
	var chosen [][]float64
	total := 0.
	adds := func(i int) float64 {
		return Hypervolume(append(chosen[:len(chosen):len(chosen)], losses[i]), ref) - total
	}
	queue := make([]bound, len(front))
	for k, i := range front {
		queue[k] = bound{i, math.Inf(1)}
	}
	var out []int
	for len(out) < n && len(queue) > 0 {
		for k := 0; k < len(queue); k++ { // the first ones have the largest bounds
			queue[k].adds = adds(queue[k].i)
			if k+1 == len(queue) || slices.MaxFunc(queue[:k+1], func(a, b bound) int { return cmp.Compare(a.adds, b.adds) }).adds >= queue[k+1].adds {
				break
			}
		}
		slices.SortStableFunc(queue, func(a, b bound) int { return cmp.Compare(b.adds, a.adds) })
		next := queue[0]
		queue = queue[1:]
		out = append(out, next.i)
		chosen = append(chosen, losses[next.i])
		total += next.adds
	}
	return out
}
