package hpo

import (
	"cmp"
	"math"
	"slices"

	"budwood/search"
)

// FANOVA says how much of the loss's variance over the space each parameter
// explains by itself, averaged over all others: functional ANOVA of a random
// forest (Hutter, Hoos & Leyton-Brown 2014, Algorithm 2). The shares are scaled
// to the sum 1; what only the interaction of parameters explains is left out.
//
// Losses worse than the median count as the median, so that not the worst corner
// of the space but the better half decides. The result is nil for fewer than 8
// trials with a loss.
func FANOVA(space search.Space, trials []search.Record, o search.Objective) []Importance {
	s := newSample(space, trials, o)
	if len(s.loss)-s.broken < importanceTrials {
		return nil
	}
	f := s.grow(s.numeric(), 64, 3)
	out := make([]float64, len(s.c.dims))
	for _, t := range f {
		total, parts := t.variances(len(out))
		if total > 0 {
			for k, v := range parts {
				out[k] += v / total
			}
		}
	}
	return s.shares(out)
}

// capped are the losses, none above their median.
func (s sample) capped() []float64 {
	out := slices.Clone(s.loss)
	for i, m := 0, out[len(out)/2]; i < len(out); i++ {
		out[i] = min(out[i], m)
	}
	return out
}

// numeric makes a vector one for trees: the values of a choice are put in the order
// of their mean loss, of which the best split is one between neighbours, and the
// middle stands where a parameter does not exist.
func (s sample) numeric() func(x []float64) []float64 {
	ranks := make([][]int, len(s.c.dims))
	for k, d := range s.c.dims {
		ranks[k] = s.byLoss(k, d)
	}
	return func(x []float64) []float64 {
		out := slices.Clone(x)
		for k, u := range x {
			switch rank := ranks[k]; {
			case u != u:
				out[k] = .5
			case rank != nil:
				out[k] = (float64(rank[cell(u, len(rank))]) + .5) / float64(len(rank))
			}
		}
		return out
	}
}

// grow fits a forest to the capped losses.
func (s sample) grow(numeric func([]float64) []float64, trees, leaf int) forest {
	x := make([][]float64, len(s.x))
	for i := range x {
		x[i] = numeric(s.x[i])
	}
	return newForest(x, s.capped(), trees, leaf)
}

// byLoss is the place of each value of an unordered choice when they are sorted
// by mean loss; nil for other dimensions.
func (s sample) byLoss(k int, d *search.Dim) []int {
	if d.Kind != search.KindChoice || d.Ordered {
		return nil
	}
	n := len(d.Options)
	sum, count := make([]float64, n), make([]float64, n)
	loss, all := s.capped(), 0.
	for i, x := range s.x {
		all += loss[i] / float64(len(loss))
		if x[k] == x[k] {
			sum[cell(x[k], n)] += loss[i]
			count[cell(x[k], n)]++
		}
	}
	order, rank := make([]int, n), make([]int, n)
	for j := range order {
		order[j] = j
		sum[j] = (sum[j] + all) / (count[j] + 1)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sum[a], sum[b]) })
	for place, j := range order {
		rank[j] = place
	}
	return rank
}

// variances are that of the tree's prediction over the unit cube, and that of its
// marginal over each axis.
func (t tree) variances(dims int) (total float64, parts []float64) {
	lo, hi := make([]float64, dims), slices.Repeat([]float64{1}, dims)
	type piece struct{ at, change float64 } // of a marginal, a step function
	steps := make([][]piece, dims)
	mean, square := 0., 0.
	var walk func(i int, volume float64)
	walk = func(i int, volume float64) {
		s := &t[i]
		if s.axis < 0 {
			mean += volume * s.mean
			square += volume * s.mean * s.mean
			for k := range dims {
				if side := hi[k] - lo[k]; side > 0 {
					h := s.mean * volume / side
					steps[k] = append(steps[k], piece{lo[k], h}, piece{hi[k], -h})
				}
			}
			return
		}
		k := s.axis
		l, h := lo[k], hi[k]
		cut := min(max(s.cut, l), h)
		if h > l {
			hi[k] = cut
			walk(s.left, volume*(cut-l)/(h-l))
			hi[k], lo[k] = h, cut
			walk(s.right, volume*(h-cut)/(h-l))
			lo[k] = l
		}
	}
	walk(0, 1)
	parts = make([]float64, dims)
	for k, p := range steps {
		slices.SortStableFunc(p, func(a, b piece) int { return cmp.Compare(a.at, b.at) })
		height := 0.
		for i := range p[:max(len(p)-1, 0)] {
			height += p[i].change
			d := height - mean
			parts[k] += (p[i+1].at - p[i].at) * d * d
		}
	}
	return math.Max(square-mean*mean, 0), parts
}
