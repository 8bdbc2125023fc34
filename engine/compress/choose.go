package compress

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"budwood/data"
	"budwood/engine"
)

// Budget says how much of a network [Choose] keeps.
type Budget struct {
	MACs     float64  // share of the multiply-accumulates that may be left, above 0; 0 means that Channels counts
	Channels float64  // share of each group that is kept, above 0
	Strict   bool     // not a single multiply-accumulate more than MACs; else rounding may take up to 5 % more
	Wide     bool     // groups of 64 and more shrink to multiples of 16, as AVX-512 likes them, others of 8
	Protect  []string // see [Groups]
}

// Choose chooses the channels to keep by their scores: the same share of every group,
// and in it the highest scores, of equal ones the lowest numbers. Groups without
// scores keep their first ones.
//
// With MACs the share is the largest that keeps within the budget. Sizes become
// multiples of 8 where that changes the cost by less than 5 % of the budget: what is
// left over of a vector costs as much as a whole one, or more. Groups that a grouped convolution or norm ties together lose the
// same number of channels in each of its groups; where no such choice is found, they stay
// whole.
func Choose(l engine.Layer, in data.Shape, scores map[Group][]float64, b Budget) (map[Group][]int, error) {
	t, err := trace(l, in, b.Protect)
	if err != nil {
		return nil, fmt.Errorf("choose: %w", err)
	}
	for g, s := range scores {
		if _, err := t.index(g); err != nil {
			return nil, fmt.Errorf("choose: %w", err)
		}
		if len(s) != g.Size || slices.ContainsFunc(s, math.IsNaN) {
			return nil, fmt.Errorf("choose: %s has %d channels, and scores %v", g.Name, g.Size, s)
		}
	}
	share := cmp.Or(b.MACs, b.Channels)
	if !(share > 0 && share <= 1) {
		return nil, fmt.Errorf("choose: a share of %v is outside (0, 1]", share)
	}
	if b.MACs == 0 {
		return t.choose(scores, t.sizes(share)), nil
	}
	keep, err := t.within(scores, share, b)
	if err != nil {
		return nil, fmt.Errorf("choose: %w", err)
	}
	return keep, nil
}

// sizes is a share of each group that can be cut.
func (t *traced) sizes(share float64) map[Group]int {
	out := map[Group]int{}
	for _, g := range t.open() {
		out[g] = max(int(math.Floor(share*float64(g.Size)+.5)), 1)
	}
	return out
}

// within chooses for a share of the MACs.
func (t *traced) within(scores map[Group][]float64, share float64, b Budget) (map[Group][]int, error) {
	var failed error
	macs := func(sizes map[Group]int) float64 {
		l, err := t.shrink(t.choose(scores, sizes))
		if err == nil {
			var c engine.Cost
			if _, c, err = engine.Measure(l, t.in); err == nil {
				return float64(c.MACs)
			}
		}
		failed = cmp.Or(failed, err)
		return math.Inf(1)
	}
	_, whole, err := engine.Measure(t.layer, t.in)
	if err != nil {
		return nil, err
	}
	target := share * float64(whole.MACs)
	lo, hi := 0., 1.
	if least := macs(t.sizes(lo)); least > target && failed == nil {
		return nil, fmt.Errorf("%.3g of the MACs are to be left; with one channel of each group it is %.3g", share, least/float64(whole.MACs))
	}
	if macs(t.sizes(hi)) <= target {
		lo = hi
	}
	for range 24 { // finer than a channel of the largest group
		if mid := (lo + hi) / 2; macs(t.sizes(mid)) <= target {
			lo = mid
		} else {
			hi = mid
		}
	}
	sizes := t.sizes(lo)
	most := 1.05 * target
	if b.Strict {
		most = target
	}
	if round := t.round(sizes, macs, target, most, b.Wide); macs(sizes)-macs(round) < .05*target {
		sizes = round
	}
	if failed != nil {
		return nil, failed
	}
	return t.choose(scores, sizes), nil
}

// round brings sizes to multiples: each to the one below, and then, as long as
// that comes nearer to the target and stays within the most, one after the other to
// the next one, first that which has lost most.
func (t *traced) round(sizes map[Group]int, macs func(map[Group]int) float64, target, most float64, wide bool) map[Group]int {
	by := func(g Group) int {
		n := 8
		if wide && g.Size*t.each[g] >= 64 {
			n = 16
		}
		for f := t.each[g]; n > 1 && f%2 == 0; f /= 2 { // a head is several columns already
			n /= 2
		}
		return n
	}
	groups := t.open()
	out := maps.Clone(sizes)
	for _, g := range groups {
		if n := max(sizes[g]/by(g), 1) * by(g); sizes[g] < g.Size && n < g.Size {
			out[g] = n
		}
	}
	for raised := true; raised; {
		raised = false
		slices.SortStableFunc(groups, func(a, b Group) int { // by what is kept of the share that it had
			return cmp.Compare(out[a]*sizes[b], out[b]*sizes[a])
		})
		for _, g := range groups {
			was := out[g]
			before := macs(out)
			out[g] = min((was/by(g)+1)*by(g), g.Size)
			if now := macs(out); out[g] > was && now <= most && math.Abs(now-target) < math.Abs(before-target) {
				raised = true
				break
			}
			out[g] = was
		}
	}
	return out
}

// chooser chooses roots.
type chooser struct {
	*traced
	score map[int]float64
	on    map[int]bool
}

// choose keeps so many of each group by their scores, so that every layer has a channel
// and groups of a layer stay even.
func (t *traced) choose(scores map[Group][]float64, sizes map[Group]int) map[Group][]int {
	c := &chooser{t, map[int]float64{}, map[int]bool{}}
	for g, group := range t.groups {
		for i, r := range t.roots[g] {
			if s := scores[group]; s != nil {
				c.score[r] = s[i]
			}
			c.on[r] = true
		}
	}
	for g, group := range t.groups {
		if k, ok := sizes[group]; ok && !t.fixed(g) {
			for i, r := range c.order(t.roots[g]) {
				c.on[r] = i < k || t.locked[r] != ""
			}
		}
	}
	for _, s := range t.sources { // every layer has a channel
		if !slices.ContainsFunc(s.el, func(r int) bool { return c.on[r] }) {
			c.on[c.order(s.el)[0]] = true
		}
	}
	c.level()
	keep := map[Group][]int{}
	for g, group := range t.groups {
		if t.fixed(g) {
			continue
		}
		for i, r := range t.roots[g] {
			if c.on[r] {
				keep[group] = append(keep[group], i)
			}
		}
	}
	return keep
}

// order is roots, the best first.
func (c *chooser) order(roots []int) []int {
	out := slices.Clone(roots)
	slices.SortStableFunc(out, func(a, b int) int {
		if fixed := cmp.Compare(len(c.locked[b]), len(c.locked[a])); fixed != 0 && (c.locked[a] == "") != (c.locked[b] == "") {
			return fixed
		}
		return cmp.Compare(c.score[b], c.score[a])
	})
	return out
}

// count is how many places of a block are kept.
func (c *chooser) count(block []int) (n int) {
	for _, e := range block {
		if c.on[c.root(e)] {
			n++
		}
	}
	return n
}

// level makes blocks even: first by the mean of what they keep, and where conditions
// stand against each other by leaving out more. Groups that it cannot make even stay
// whole.
func (c *chooser) level() {
	for range 4 {
		for _, e := range c.evens {
			c.share(e)
		}
	}
	for changed := true; changed; { // each round leaves something out
		changed = false
		for _, e := range c.evens {
			least := len(e.blocks[0])
			for _, b := range e.blocks {
				least = min(least, c.count(b))
			}
			for _, b := range e.blocks {
				order := c.order(c.distinct(b))
				for i := len(order) - 1; i >= 0 && c.count(b) > least; i-- {
					if r := order[i]; c.on[r] && c.locked[r] == "" {
						c.on[r], changed = false, true
					}
				}
			}
		}
	}
	for c.restore() {
	}
}

// distinct is the roots of a block, each once, in their order.
func (c *chooser) distinct(block []int) (out []int) {
	for _, e := range block {
		if r := c.root(e); !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// share lets every block keep the same number, if it is not so.
func (c *chooser) share(e even) {
	sum, least, most := 0, len(e.blocks[0]), 0
	for _, b := range e.blocks {
		n := c.count(b)
		sum, least, most = sum+n, min(least, n), max(most, n)
	}
	if least == most {
		return
	}
	k := max((sum+len(e.blocks)/2)/len(e.blocks), 1)
	for _, b := range e.blocks {
		for _, r := range c.distinct(b) {
			c.on[r] = c.locked[r] != ""
		}
	}
	for _, b := range e.blocks {
		for _, r := range c.order(c.distinct(b)) {
			if c.on[r] {
				continue
			}
			if c.on[r] = true; c.count(b) > k {
				c.on[r] = false
			}
		}
	}
}

// restore makes all that hangs together by even blocks whole where a block is uneven
// or a layer is without a channel, and reports whether it did.
func (c *chooser) restore() bool {
	var sets union
	sets.grow(len(c.groups))
	for _, e := range c.evens {
		first := -1
		for _, b := range e.blocks {
			for _, r := range c.distinct(b) {
				if g := c.at[r].group; first < 0 {
					first = g
				} else {
					sets.unite(first, g)
				}
			}
		}
	}
	broken := map[int]bool{}
	for _, e := range c.evens {
		for _, b := range e.blocks {
			if n := c.count(b); n == 0 || n != c.count(e.blocks[0]) {
				broken[sets.root(c.at[c.root(b[0])].group)] = true
			}
		}
	}
	for _, s := range c.sources {
		if !slices.ContainsFunc(s.el, func(r int) bool { return c.on[r] }) {
			broken[sets.root(c.at[s.el[0]].group)] = true
		}
	}
	for g := range c.groups {
		if broken[sets.root(g)] {
			for _, r := range c.roots[g] {
				c.on[r] = true
			}
		}
	}
	return len(broken) > 0
}
