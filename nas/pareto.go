package nas

import (
	"math"
	"slices"
)

// dominates tells whether a is at least as good as b in every loss and better
// in one.
func dominates(a, b []float64) bool {
	better := false
	for i := range a {
		if a[i] > b[i] {
			return false
		}
		better = better || a[i] < b[i]
	}
	return better
}

// front parts individuals into those that no other dominates and the rest, both
// in their order.
func front(all []individual) (first, rest []individual) {
	for _, c := range all {
		dominated := false
		for _, f := range first {
			if dominates(f.losses, c.losses) {
				dominated = true
				break
			}
		}
		if dominated {
			rest = append(rest, c)
			continue
		}
		kept := first[:0]
		for _, f := range first {
			if dominates(c.losses, f.losses) {
				rest = append(rest, f)
			} else {
				kept = append(kept, f)
			}
		}
		first = append(kept, c)
	}
	return first, rest
}

// ranked is an individual with its place in a population.
type ranked struct {
	individual
	front    int
	crowding float64 // distance to its neighbours on the front; more is lonelier
}

// better is the crowded comparison of Deb et al. 2002, section III-B.
func (a ranked) better(b ranked) bool {
	if a.front != b.front {
		return a.front < b.front
	}
	return a.crowding > b.crowding
}

// elite is the environmental selection of NSGA-II: whole fronts, the best
// first, as long as they fit, and of the next one the loneliest.
func elite(all []individual, size int) []ranked {
	var out []ranked
	for f := 0; len(all) > 0 && len(out) < size; f++ {
		var first []individual
		first, all = front(all)
		crowded := crowd(first, f)
		if room := size - len(out); len(crowded) > room {
			slices.SortStableFunc(crowded, func(a, b ranked) int {
				switch {
				case a.better(b):
					return -1
				case b.better(a):
					return 1
				}
				return 0
			})
			crowded = crowded[:room]
		}
		out = append(out, crowded...)
	}
	return out
}

// crowd gives the individuals of front number f their crowding distance (Deb et
// al. 2002, section III-B).
func crowd(first []individual, f int) []ranked {
	out := make([]ranked, len(first))
	for i, c := range first {
		out[i] = ranked{individual: c, front: f}
	}
	if len(out) == 0 {
		return out
	}
	order := make([]int, len(out))
	for i := range order {
		order[i] = i
	}
	for m := range out[0].losses {
		at := func(i int) float64 { return out[order[i]].losses[m] }
		slices.SortStableFunc(order, func(a, b int) int {
			switch x, y := out[a].losses[m], out[b].losses[m]; {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		last := len(order) - 1
		width := at(last) - at(0)
		out[order[0]].crowding = math.Inf(1)
		out[order[last]].crowding = math.Inf(1)
		if width == 0 {
			continue
		}
		for i := 1; i < last; i++ {
			out[order[i]].crowding += (at(i+1) - at(i-1)) / width
		}
	}
	return out
}
