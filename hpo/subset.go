package hpo

import (
	"cmp"
	"math"
	"slices"

	"budwood/search"
)

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
		return search.Hypervolume(append(chosen[:len(chosen):len(chosen)], losses[i]), ref) - total
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
