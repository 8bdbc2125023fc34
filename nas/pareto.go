package nas

import (
	"cmp"
	"math"
	"slices"

	"budwood/search"
)

// ranked is an individual with its place in a population.
type ranked struct {
	*individual
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
func elite(all []*individual, size int) []ranked {
	var out []ranked
	for f, members := range fronts(all, size) {
		crowded := make([]ranked, len(members))
		for k, i := range members {
			crowded[k] = ranked{individual: i, front: f}
		}
		crowd(crowded)
		if room := size - len(out); len(crowded) > room {
			slices.SortStableFunc(crowded, func(a, b ranked) int {
				return cmp.Compare(b.crowding, a.crowding)
			})
			crowded = crowded[:room]
		}
		out = append(out, crowded...)
	}
	return out
}

// fronts are the first fronts, as many as it takes for at least n members; those
// of a front are in the order of all.
func fronts(all []*individual, n int) [][]*individual {
	losses := make([][]float64, len(all))
	for i := range all {
		losses[i] = all[i].losses
	}
	var out [][]*individual
	count := 0
	for _, places := range search.Fronts(losses) {
		if count >= n {
			break
		}
		slices.Sort(places)
		members := make([]*individual, len(places))
		for k, i := range places {
			members[k] = all[i]
		}
		out, count = append(out, members), count+len(members)
	}
	return out
}

// crowd gives the individuals of one front their crowding distance (Deb et al.
// 2002, section III-B).
func crowd(out []ranked) {
	if len(out) == 0 {
		return
	}
	order := make([]int, len(out))
	for i := range order {
		order[i] = i
	}
	for m := range out[0].losses {
		at := func(i int) float64 { return out[order[i]].losses[m] }
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Compare(out[a].losses[m], out[b].losses[m])
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
}
