package trees

import (
	"cmp"
	"slices"
)

// oneOfFew is the most categories of a node of which each is tried against all others.
const oneOfFew = 4

// searchLevels finds the best set of categories to go left: sorted by g/h, the best one
// is a prefix (Fisher 1958, "On grouping for maximum homogeneity"). Missing values are one
// category more. As rare categories would sort themselves to the ends by chance, their h is
// smoothed, and with more than four the penalty L2 is larger by as much (as in LightGBM, Ke et al. 2017).
func (g *grower) searchLevels(c *binning, h *[256]sum, p *place) (best split) {
	least := max(g.MinChild, leastChild)
	var there []int
	for k := range c.width() {
		if h[k] != (sum{}) {
			there = append(there, k)
		}
	}
	if len(there) < 2 {
		return best
	}
	with, smooth := g.Config, 0.
	if len(there) > oneOfFew {
		smooth = g.CatSmooth
		with.L2 += smooth
	}
	try := func(left sum, set []int) {
		right := p.total.minus(left)
		if left.h < least || right.h < least {
			return
		}
		l, r := g.clamp(p, with.value(left)), g.clamp(p, with.value(right))
		if gain := with.gain(left, l) + with.gain(right, r); gain > best.gain {
			best.gain, best.left, best.set = gain, left, append(best.set[:0], set...)
		}
	}
	if len(there) <= oneOfFew {
		for _, k := range there {
			try(h[k], []int{k})
		}
	}
	by := func(k int) float64 { return h[k].g / (h[k].h + smooth + leastChild) }
	slices.SortStableFunc(there, func(i, j int) int { return cmp.Compare(by(i), by(j)) })
	var acc sum
	for i, k := range there[:len(there)-1] {
		acc = acc.plus(h[k])
		try(acc, there[:i+1])
	}
	if best.gain == 0 {
		return best
	}
	if with.L2 != g.L2 { // the gain with the penalty that leaves have
		right := p.total.minus(best.left)
		best.gain = min(best.gain, g.gain(best.left, g.clamp(p, g.value(best.left)))+g.gain(right, g.clamp(p, g.value(right))))
	}
	absent := c.missing && h[c.bins] != (sum{})
	if absent {
		best.missingLeft = slices.Contains(best.set, c.bins)
	} else {
		best.missingLeft = best.left.h > p.total.h-best.left.h
	}
	return best
}
