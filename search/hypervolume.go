package search

import (
	"cmp"
	"slices"
	"sort"
)

// Hypervolume is the volume that points of losses dominate, up to a reference
// point: what a Pareto front is worth in one number. Points that are not below the
// reference in every loss add nothing. It is exact: a sweep along the last loss in
// two and three dimensions (Beume et al. 2009, with a sorted slice for the tree),
// the WFG recursion (While, Bradstreet & Barone 2012) in more.
func Hypervolume(points [][]float64, reference []float64) float64 {
	if len(reference) == 0 {
		return 0
	}
	inside := make([][]float64, 0, len(points))
	for _, p := range points {
		below := len(p) == len(reference)
		for k := 0; below && k < len(reference); k++ {
			below = p[k] < reference[k]
		}
		if below {
			inside = append(inside, p)
		}
	}
	return volume(inside, reference)
}

// volume is that of points which are all below the reference. It reorders them.
func volume(points [][]float64, ref []float64) float64 {
	last, sum := len(ref)-1, 0.
	if last > 2 {
		points = nonDominated(points)
	}
	slices.SortFunc(points, func(a, b []float64) int { return cmp.Compare(a[last], b[last]) })
	switch last {
	case 0:
		if len(points) > 0 {
			sum = ref[0] - points[0][0]
		}
	case 1:
		left := ref[0]
		for _, p := range points { // each adds what lies left of those below it
			if p[0] < left {
				sum += (left - p[0]) * (ref[1] - p[1])
				left = p[0]
			}
		}
	case 2:
		s := stairs{right: ref[0], top: ref[1]}
		for _, p := range points { // each adds a prism from its height up
			sum += s.add(p[0], p[1]) * (ref[2] - p[2])
		}
	default:
		for i, p := range points { // the same, for those below it have one dimension less to vary in
			sum += exclusive(p, points[:i], ref[:last]) * (ref[last] - p[last])
		}
	}
	return sum
}

// stairs are the corners of an area that points dominate: x grows, y falls.
type stairs struct {
	corners    [][2]float64
	right, top float64
}

// add is the area that a point adds.
func (s *stairs) add(x, y float64) float64 {
	from := sort.Search(len(s.corners), func(i int) bool { return s.corners[i][0] >= x })
	above := s.top
	if from > 0 {
		above = s.corners[from-1][1]
	}
	if above <= y {
		return 0
	}
	area, left, to := 0., x, from
	for ; to < len(s.corners) && s.corners[to][1] >= y; to++ { // corners that it dominates
		c := s.corners[to]
		area += (c[0] - left) * (above - y)
		left, above = c[0], c[1]
	}
	right := s.right
	if to < len(s.corners) {
		right = s.corners[to][0]
	}
	if right == x { // by a lower corner
		return 0
	}
	s.corners = slices.Replace(s.corners, from, to, [2]float64{x, y})
	return area + (right-left)*(above-y)
}

// exclusive is the volume that p dominates and none of the others does, in the
// dimensions of ref.
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
	return own - volume(limited, ref)
}

// nonDominated are the points that no other one dominates, equal ones once.
func nonDominated(points [][]float64) [][]float64 {
	slices.SortFunc(points, slices.Compare) // none dominates one before it
	var out [][]float64
next:
	for _, p := range points {
		for _, q := range slices.Backward(out) { // the last ones are the likeliest
			if Dominates(q, p) || slices.Equal(q, p) {
				continue next
			}
		}
		out = append(out, p)
	}
	return out
}
