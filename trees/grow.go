package trees

import (
	"math"
	"sync"
)

// grower grows trees on binned rows.
type grower struct {
	Config
	*binned
	use      []bool  // columns that this tree may use
	grads    []grad  // of all rows
	ordered  []grad  // of the rows of a node, in their order
	parts    []*part // the rows that a tree is grown from, then those that only follow
	spare    []histogram
	monotone bool
}

// part are rows that are sorted by the leaves of the tree that grows.
type part struct {
	packs [][]uint32
	rows  []int32
	spare []int32
}

// span are the rows of a node in a part.
type span struct{ lo, hi int }

// place is a node of the tree that grows.
type place struct {
	node        int
	depth       int
	spans       []span // by part
	total       sum
	least, most float64 // what monotone columns let its value be
	hist        histogram
	best        split
}

// split is a split of a node.
type split struct {
	gain        float64 // 0: there is none
	column      int
	bin         int   // numbers: the last bin that goes left
	set         []int // categories: the bins that go left; nil for numbers
	missingLeft bool
	left        sum
}

// grow grows a tree from the rows of the first part. It returns the leaves, each with
// the rows that came there.
func (g *grower) grow() (*Tree, []*place) {
	t := &Tree{}
	root := &place{spans: make([]span, len(g.parts)), least: math.Inf(-1), most: math.Inf(1)}
	for i, p := range g.parts {
		root.spans[i] = span{0, len(p.rows)}
	}
	for _, r := range g.parts[0].rows {
		root.total = root.total.plus(sum{float64(g.grads[r].g), float64(g.grads[r].h)})
	}
	t.add(root)
	var done []*place
	frontier := []*place{root}
	if g.splittable(root, 1) {
		root.hist = g.take()
		g.measure(root.hist, g.parts[0].rows)
		g.search(root)
	}
	leaves := 1
	for len(frontier) > 0 {
		at := 0
		if g.Growth == "leaf" {
			for i, p := range frontier {
				if p.best.gain > frontier[at].best.gain {
					at = i
				}
			}
		}
		p := frontier[at]
		frontier = append(frontier[:at], frontier[at+1:]...)
		if p.best.gain <= 0 || leaves >= g.Leaves {
			g.give(p)
			done = append(done, p)
			continue
		}
		left, right := g.divide(t, p)
		leaves++
		g.children(p, left, right, leaves)
		frontier = append(frontier, left, right)
	}
	return t, done
}

// add gives a place its node, which is a leaf so far.
func (t *Tree) add(p *place) {
	p.node = len(t.Nodes)
	t.Nodes = append(t.Nodes, Node{Column: -1, Set: -1, Cover: float32(p.total.h)})
}

// splittable reports whether a split of a place could be taken.
func (g *grower) splittable(p *place, leaves int) bool {
	s := p.spans[0]
	return p.depth < g.Depth && leaves < g.Leaves && s.hi-s.lo > 1 && p.total.h >= 2*g.MinChild
}

// children finds the best splits of the children of a place: the histogram of the smaller
// one is built, that of the other one is what is left of the parent's.
func (g *grower) children(p, left, right *place, leaves int) {
	small, large := left, right
	if s, l := left.spans[0], right.spans[0]; s.hi-s.lo > l.hi-l.lo {
		small, large = right, left
	}
	a, b := g.splittable(small, leaves), g.splittable(large, leaves)
	if !a && !b {
		g.give(p)
		return
	}
	s := small.spans[0]
	small.hist, large.hist, p.hist = g.take(), p.hist, nil
	g.measure(small.hist, g.parts[0].rows[s.lo:s.hi])
	if b {
		for k := range g.packs {
			if g.uses(k) {
				g.subtract(large.hist, small.hist, k)
			}
		}
		g.search(large)
	} else {
		g.give(large)
	}
	if a {
		g.search(small)
	} else {
		g.give(small)
	}
}

// take is a histogram that nobody has.
func (g *grower) take() histogram {
	if n := len(g.spare); n > 0 {
		h := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return h
	}
	return g.histogram()
}

// give gives the histogram of a place back.
func (g *grower) give(p *place) {
	if p.hist != nil {
		g.spare, p.hist = append(g.spare, p.hist), nil
	}
}

// uses reports whether the tree may use one of the columns of a pack.
func (g *grower) uses(pack int) bool {
	for j := 4 * pack; j < min(4*pack+4, len(g.columns)); j++ {
		if g.use[j] {
			return true
		}
	}
	return false
}

// measure builds the histogram of some rows, on several threads if that pays.
func (g *grower) measure(h histogram, rows []int32) {
	grads := g.grads
	if len(rows) < g.rows {
		grads = g.ordered[:len(rows)]
		for i, r := range rows {
			grads[i] = g.grads[r]
		}
	} else {
		rows = nil // all, in their order
	}
	g.each(len(grads)*len(g.columns) > 1<<16, func(k int) {
		if g.uses(k) {
			g.build(h, k, rows, grads)
		}
	})
}

// each does something for every pack.
func (g *grower) each(much bool, do func(pack int)) {
	if threads := min(g.Threads, len(g.packs)); threads > 1 && much {
		var all sync.WaitGroup
		for t := range threads {
			all.Go(func() {
				for k := t; k < len(g.packs); k += threads {
					do(k)
				}
			})
		}
		all.Wait()
		return
	}
	for k := range g.packs {
		do(k)
	}
}

// search finds the best split of a place.
func (g *grower) search(p *place) {
	least := g.MinGain
	if least == 0 {
		least = 1e-9
	}
	parent := g.gain(p.total, g.clamp(p, g.value(p.total)))
	for j := range g.columns {
		if !g.use[j] {
			continue
		}
		c := &g.columns[j]
		h := p.hist.column(c.at)
		var s split
		switch {
		case c.Levels > 0:
			s = g.searchLevels(c, h, p)
		case g.L1 > 0 || g.monotone:
			s = g.searchBounded(c, h, p)
		default:
			s = g.searchNumbers(c, h, p.total)
		}
		if s.gain -= parent; s.gain > least && s.gain > p.best.gain {
			s.column = j
			p.best = s
		}
	}
}

// value is what the loss wants a leaf to add: the minimum of the second-order
// approximation (Chen & Guestrin 2016, equation 5) with an L1 penalty.
func (c *Config) value(s sum) float64 {
	g := s.g
	switch {
	case g > c.L1:
		g -= c.L1
	case g < -c.L1:
		g += c.L1
	default:
		return 0
	}
	if d := s.h + c.L2; d > 0 {
		return -g / d
	}
	return 0
}

// gain is twice what a leaf of a value takes off the loss.
func (c *Config) gain(s sum, w float64) float64 {
	return -(2*s.g*w + (s.h+c.L2)*w*w + 2*c.L1*math.Abs(w))
}

// clamp keeps a value within what monotone columns let it be.
func (g *grower) clamp(p *place, w float64) float64 { return min(max(w, p.least), p.most) }

// divide carries out the best split of a place.
func (g *grower) divide(t *Tree, p *place) (left, right *place) {
	s, c := &p.best, &g.columns[p.best.column]
	left = &place{depth: p.depth + 1, total: s.left, least: p.least, most: p.most}
	right = &place{depth: p.depth + 1, total: p.total.minus(s.left), least: p.least, most: p.most}
	if c.Monotone != 0 {
		mid := (g.clamp(p, g.value(left.total)) + g.clamp(p, g.value(right.total))) / 2
		if c.Monotone > 0 {
			left.most, right.least = mid, mid
		} else {
			left.least, right.most = mid, mid
		}
	}
	goes := c.goes(s)
	for i, part := range g.parts {
		at := p.spans[i]
		mid := at.lo + part.divide(at, s.column, goes)
		left.spans, right.spans = append(left.spans, span{at.lo, mid}), append(right.spans, span{mid, at.hi})
	}
	t.add(left)
	t.add(right)
	n := &t.Nodes[p.node]
	n.Column, n.Left, n.Missing, n.Gain = int32(s.column), int32(left.node), s.missingLeft, float32(s.gain)
	if s.set != nil {
		n.Set = int32(len(t.Sets))
		t.Sets = append(t.Sets, c.levels(s))
	} else if s.bin < len(c.cuts) {
		n.At = c.cuts[s.bin]
	} else { // all numbers go left, missing values right
		n.At = float32(math.Inf(1))
	}
	return left, right
}

// goes tells of each bin whether it goes left.
func (b *binning) goes(s *split) (left [256]uint8) {
	if s.set != nil {
		for _, k := range s.set {
			left[k] = 1
		}
	} else {
		for k := range min(s.bin+1, b.bins) {
			left[k] = 1
		}
	}
	if s.missingLeft {
		left[255] = 1
		if b.missing {
			left[b.bins] = 1
		}
	} else if b.missing {
		left[b.bins] = 0
	}
	return left
}

// levels are the bits of the categories that go left. One without a bin of its own goes
// where missing values go.
func (b *binning) levels(s *split) []uint64 {
	goes := b.goes(s)
	set := make([]uint64, (b.Levels+63)/64)
	for k, bin := range b.bin {
		if bin >= 0 && goes[bin] != 0 || bin < 0 && s.missingLeft {
			set[k/64] |= 1 << (k % 64)
		}
	}
	return set
}

// divide puts the rows of a span that go left before the others, and returns how many
// they are. The order among them stays.
func (p *part) divide(s span, column int, left [256]uint8) int {
	bins, shift := p.packs[column/4], 8*(column%4)
	rows, spare := p.rows[s.lo:s.hi], p.spare[:s.hi-s.lo]
	l, r := 0, 0
	for _, row := range rows {
		goes := int(left[uint8(bins[row]>>shift)])
		rows[l], spare[r] = row, row
		l, r = l+goes, r+1-goes
	}
	copy(rows[l:], spare[:r])
	return l
}
