package trees

// leastChild is the least sum of second derivatives of a leaf, if the settings allow less.
const leastChild = 1e-6

// searchNumbers finds the best split of a column of numbers. The gain is the sum of those
// of both children. Missing values go to the side where they fit better; if a node has
// none, to the child with the larger sum of second derivatives.
func (g *grower) searchNumbers(c *binning, h *[256]sum, total sum) (best split) {
	l2, least := g.L2, max(g.MinChild, leastChild)
	var absent sum
	if c.missing {
		absent = h[c.bins]
	}
	some := absent != (sum{})
	last := c.bins - 1 // bins below which there can be a split
	if some {
		last = c.bins
	}
	acc := sum{}
	for pass := range 2 {
		if pass == 1 {
			if !some {
				break
			}
			acc, last = absent, c.bins-1
		}
		for k := range h[:max(last, 0)] {
			s := h[k]
			if s.h == 0 && s.g == 0 {
				continue
			}
			acc.g += s.g
			acc.h += s.h
			if acc.h < least {
				continue
			}
			rg, rh := total.g-acc.g, total.h-acc.h
			if rh < least {
				break
			}
			lh := acc.h + l2
			rh += l2
			if gain := (acc.g*acc.g*rh + rg*rg*lh) / (lh * rh); gain > best.gain {
				best.gain, best.bin, best.left, best.missingLeft = gain, k, acc, pass == 1
			}
		}
	}
	if !some {
		best.missingLeft = best.left.h > total.h-best.left.h
	}
	return best
}

// searchBounded is searchNumbers with an L1 penalty, or where values are bounded by
// monotone columns: a split against the order of such a column is none.
func (g *grower) searchBounded(c *binning, h *[256]sum, p *place) (best split) {
	least, total := max(g.MinChild, leastChild), p.total
	var absent sum
	if c.missing {
		absent = h[c.bins]
	}
	some := absent != (sum{})
	try := func(k int, left sum, missingLeft bool) {
		right := total.minus(left)
		if left.h < least || right.h < least {
			return
		}
		l, r := g.clamp(p, g.value(left)), g.clamp(p, g.value(right))
		if c.Monotone > 0 && l > r || c.Monotone < 0 && l < r {
			return
		}
		if gain := g.gain(left, l) + g.gain(right, r); gain > best.gain {
			best = split{gain: gain, bin: k, left: left, missingLeft: missingLeft}
		}
	}
	for pass := range 2 {
		acc, last := sum{}, c.bins-1
		if some && pass == 0 {
			last = c.bins
		} else if pass == 1 {
			if !some {
				break
			}
			acc = absent
		}
		for k := range last {
			if h[k] == (sum{}) {
				continue
			}
			acc = acc.plus(h[k])
			try(k, acc, pass == 1)
		}
	}
	if !some {
		best.missingLeft = best.left.h > total.h-best.left.h
	}
	return best
}
