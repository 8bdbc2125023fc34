package hpo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// cmaGroup is the distribution over a list of parameters that exist together.
type cmaGroup struct {
	number  int
	numbers []int         // coordinates of numbers and ordinals
	choices []int         // coordinates of categorical parameters
	options []int         // of each choice
	below   []cmaBranches // parameters with branches
	edges   []cells       // of each number
	latent  bool          // some numbers are discrete
	members []int         // records with these parameters
	states  []cmaAt       // some of the states on the way, in order; the last one is the present
	shares  [][]float64   // probabilities of the categories, by choice; nil before any are learned
	drawn   *orthogonal   // of the generation that began at drawnAt
	drawnAt int
}

// cmaBranches is a parameter with the groups below its options; a group is nil where
// nothing is below.
type cmaBranches struct {
	coordinate int
	groups     []*cmaGroup
}

// cmaAt is the strategy after the generations of the first pos members.
type cmaAt struct {
	pos   int
	state *cmaState
}

// Of the states on the way, so many are kept: the rest is replayed when a late
// result comes.
const cmaKept = 32

// group builds the groups of a list of parameters.
func (m *cmaMemo) group(nodes []node) *cmaGroup {
	g := &cmaGroup{number: m.count}
	m.count++
	for _, n := range nodes {
		if n.d.Kind == search.KindChoice && !n.d.Ordered {
			g.choices = append(g.choices, n.i)
			g.options = append(g.options, len(n.d.Options))
		} else {
			g.numbers = append(g.numbers, n.i)
			e := cellsOf(n.d)
			g.edges = append(g.edges, e)
			g.latent = g.latent || e.n > 0
		}
		branches := cmaBranches{coordinate: n.i}
		for _, o := range n.options {
			var below *cmaGroup
			if len(o) > 0 {
				below = m.group(o)
			}
			branches.groups = append(branches.groups, below)
		}
		if slices.ContainsFunc(branches.groups, func(g *cmaGroup) bool { return g != nil }) {
			g.below = append(g.below, branches)
		}
	}
	return g
}

// all visits the group and those below it.
func (g *cmaGroup) all(visit func(*cmaGroup)) {
	visit(g)
	for _, f := range g.below {
		for _, b := range f.groups {
			if b != nil {
				b.all(visit)
			}
		}
	}
}

// each visits the groups in which a point has a place: it has a coordinate for
// each of their numbers.
func (g *cmaGroup) each(x []float64, visit func(*cmaGroup)) {
	whole := true
	for _, i := range g.numbers {
		whole = whole && x[i] == x[i]
	}
	if whole {
		visit(g)
	}
	for _, f := range g.below {
		if u := x[f.coordinate]; u == u {
			if b := f.groups[cell(u, len(f.groups))]; b != nil {
				b.each(x, visit)
			}
		}
	}
}

// replay brings the strategy up to the last full generation. The results of
// records before number same are as they were.
func (g *cmaGroup) replay(m *cmaMemo, same int) {
	firm, _ := slices.BinarySearch(g.members, same)
	for len(g.states) > 0 && g.states[len(g.states)-1].pos > firm {
		g.states = g.states[:len(g.states)-1]
	}
	if len(g.states) == 0 {
		g.states = append(g.states, cmaAt{0, g.begin(m)})
	}
	now := g.states[len(g.states)-1]
	for now.pos+now.state.lambda <= len(g.members) {
		window := g.members[now.pos : now.pos+now.state.lambda]
		now.state = g.update(m, now.state, now.pos, window)
		now.pos += len(window)
		g.states = append(g.states, now)
		if len(g.states) > cmaKept { // the older, the fewer
			kept := g.states[:1]
			for i := 1; i < len(g.states); i++ {
				if i > len(g.states)/2 || i%2 == 0 {
					kept = append(kept, g.states[i])
				}
			}
			g.states = kept
		}
	}
	if len(g.choices) > 0 {
		g.learnShares(m)
	}
}

// lambda is the size of the first generations.
func (g *cmaGroup) lambda(m *cmaMemo) int {
	d := len(g.numbers)
	for _, k := range g.options {
		d += k - 1
	}
	return orDefault(m.opt.Population, 2, 4+int(3*math.Log(float64(max(d, 1)))))
}

// begin is the strategy before the first trial, around the middle of the ranges:
// of a parameter about which nothing is known, that is the best guess.
func (g *cmaGroup) begin(m *cmaMemo) *cmaState {
	mean := make([]float64, len(g.numbers))
	for i := range mean {
		mean[i] = .5
	}
	return newCMAState(mean, g.sigma(m), g.lambda(m), g.edges)
}

func (g *cmaGroup) sigma(m *cmaMemo) float64 {
	if s := m.opt.Sigma; s > 0 {
		return s
	}
	return 1. / 6
}

// update is the strategy after one more generation.
func (g *cmaGroup) update(m *cmaMemo, s *cmaState, pos int, window []int) *cmaState {
	type result struct {
		at   int // in the window
		loss float64
	}
	var order []result
	for i, r := range window {
		switch k := &m.known[r]; k.result {
		case cmaLoss:
			order = append(order, result{i, k.loss})
		case cmaBroken:
			order = append(order, result{i, math.Inf(1)})
		}
	}
	if len(order) < max(2, len(window)/2) || len(g.numbers) == 0 {
		return s
	}
	slices.SortStableFunc(order, func(a, b result) int { return cmp.Compare(a.loss, b.loss) })
	if math.IsInf(order[0].loss, 1) {
		return s
	}
	points := make([][]float64, len(order))
	room := make([]float64, len(order)*len(g.numbers))
	for k, o := range order {
		x := room[:len(g.numbers):len(g.numbers)]
		room = room[len(g.numbers):]
		rec := &m.known[window[o.at]]
		for i, c := range g.numbers {
			x[i] = rec.x[c]
		}
		if g.latent { // where in its cell was the point drawn?
			drawn := make([]float64, len(x))
			g.point(m, s, pos, o.at, drawn)
			for i, e := range g.edges {
				if e.n > 0 && e.cell(drawn[i]) == e.cell(x[i]) {
					x[i] = drawn[i]
				}
			}
		}
		points[k] = x
	}
	next := s.update(points, order[0].loss, order[len(order)/2].loss)
	if next.finished() {
		return next.restart(rand.New(rand.NewPCG(m.seed, g.salt(pos))), g.sigma(m), g.lambda(m))
	}
	return next
}

// salt keeps the randomness of generations apart from that of trials.
func (g *cmaGroup) salt(pos int) uint64 { return 1<<63 | uint64(g.number)<<32 | uint64(pos) }

// point draws point number i of the generation that begins at pos.
func (g *cmaGroup) point(m *cmaMemo, s *cmaState, pos, i int, x []float64) {
	if g.drawn == nil || g.drawnAt != pos {
		g.drawnAt = pos
		g.drawn = &orthogonal{rng: rand.New(rand.NewPCG(m.seed, g.salt(pos))), d: len(g.numbers)}
	}
	s.transform(g.drawn.row(i), 1, x)
}

// cmaDraw is how a point is drawn.
type cmaDraw struct {
	rng   *rand.Rand
	tries int              // how often the point repeated another
	first func() []float64 // an even point, for categories before any are learned; nil if drawn again
	fresh map[*cmaGroup]int
}

// draw fills in the coordinates of the group and of what is below.
func (g *cmaGroup) draw(m *cmaMemo, d cmaDraw, x []float64) {
	now := g.states[len(g.states)-1]
	at := len(g.members) - now.pos + d.fresh[g]
	if len(g.numbers) > 0 {
		y := make([]float64, len(g.numbers))
		if d.tries == 0 {
			g.point(m, now.state, now.pos, at, y)
		} else { // further out, the more often it repeated another
			z := make([]float64, len(y))
			for i := range z {
				z[i] = d.rng.NormFloat64()
			}
			now.state.transform(z, 1+float64(d.tries)/8, y)
		}
		now.state.inside(d.rng, y)
		for i, c := range g.numbers {
			x[c] = y[i]
		}
	}
	for k, c := range g.choices {
		x[c] = g.choose(d, k, c)
	}
	for _, f := range g.below {
		if b := f.groups[cell(x[f.coordinate], len(f.groups))]; b != nil {
			b.draw(m, d, x)
		}
	}
}

// choose draws a category.
func (g *cmaGroup) choose(d cmaDraw, k, coordinate int) float64 {
	n := g.options[k]
	if g.shares == nil {
		if d.first != nil {
			return d.first()[coordinate]
		}
		return d.rng.Float64()
	}
	u := d.rng.Float64()
	o := 0
	for ; o < n-1; o++ {
		if u -= g.shares[k][o]; u < 0 {
			break
		}
	}
	return (float64(o) + .5) / float64(n)
}

// learnShares sets the probabilities of the categories: how often each is among
// the best fifth of the members, weighted by rank, and one pseudo-observation
// spread over all (UMDA; Mühlenbein & Paaß 1996). They do not wait for the end of
// a generation: few trials are enough to tell a bad category.
func (g *cmaGroup) learnShares(m *cmaMemo) {
	const most = 25
	g.shares = nil
	results := 0
	good := make([]int, 0, most+1) // records, best first
	for _, r := range g.members {
		k := &m.known[r]
		if k.result != cmaLoss {
			continue
		}
		results++
		if len(good) == most && !(k.loss < m.known[good[most-1]].loss) {
			continue
		}
		at, _ := slices.BinarySearchFunc(good, k.loss, func(r int, loss float64) int {
			if m.known[r].loss <= loss { // the older one comes first
				return -1
			}
			return 1
		})
		good = slices.Insert(good, at, r)
		good = good[:min(len(good), most)]
	}
	if results < max(2, g.lambda(m)/2) {
		return
	}
	good = good[:min(max(results/5, 2), most)]
	for k, c := range g.choices {
		options := g.options[k]
		share := make([]float64, options)
		sum := 1.
		for o := range share {
			share[o] = 1 / float64(options)
		}
		for rank, r := range good {
			u := m.known[r].x[c]
			if u != u {
				continue
			}
			w := 2 * (1 - float64(rank)/float64(len(good)))
			share[cell(u, options)] += w
			sum += w
		}
		for o := range share {
			share[o] /= sum
		}
		g.shares = append(g.shares, share)
	}
}

// orthogonal is an endless matrix of standard normal rows, each d of which are
// orthogonal to each other: they cover the directions better than independent
// ones (Wang, Emmerich & Bäck 2014).
type orthogonal struct {
	rng  *rand.Rand
	d    int
	rows [][]float64
	unit [][]float64 // of the block that is not complete
}

// row is number i; it must not be changed.
func (o *orthogonal) row(i int) []float64 {
	for len(o.rows) <= i {
		if len(o.unit) == o.d {
			o.unit = o.unit[:0]
		}
		z, u := make([]float64, o.d), make([]float64, o.d)
		for j := range z {
			z[j] = o.rng.NormFloat64()
		}
		copy(u, z)
		for _, b := range o.unit {
			p := 0.
			for j := range u {
				p += u[j] * b[j]
			}
			for j := range u {
				u[j] -= p * b[j]
			}
		}
		if left := norm2(u); left > 0 {
			long := norm2(z)
			for j := range u {
				u[j] /= left
				z[j] = u[j] * long
			}
		}
		o.unit = append(o.unit, u)
		o.rows = append(o.rows, z)
	}
	return o.rows[i]
}
