package engine

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"

	"budwood/data"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// lane computes a block of a step's micro-batches in turn. It shares weights,
// statistics, tables and the optimizer's state with the other lanes; activations and
// gradients are its own. The first lane's network is the trainer's.
type lane struct {
	number int
	net    *Net
	pipe   *pipe // its stage of a pipeline, of that network if it is whole; nil: there is none
	later  bool  // another lane has the first stage of the same network, and its leaves
	feeder *feeder
	span   mesh.Span   // its leaves of a tree
	held   [][]float32 // sums of gradients that wait for the other half of their tree
	pieces []piece     // of the parameters that the rank updates
	parts  []part      // of these, what the optimizer works on
	adding []stretch   // of each unit, where it adds up the lanes' gradients
	finite bool        // what it has looked at last
	panic  any         // of a user's code
	round  int         // the running one
	at     leafAt      // where it is, of ranks that share gradients
	work   func()      // its part of a step; nil for the first
}

// together is what the lanes of a trainer share in a step.
type together struct {
	meeting *mesh.Meeting // nil for one lane that takes them in their order
	adds    [][2]int      // the additions that are left once every lane has its sums, by their numbers in a unit
	record  [][]float32   // of each micro-batch: the statistics that batch norms have seen; nil for one lane that takes them in their order

	weights []float64 // of each micro-batch
	losses  []float64 // of each micro-batch: the sum over its rows
	blocks  []int     // where each block of the gradient begins, and where the last one ends
	squares []float64 // Σ g² of each block
	now     moment
	pace    pace
	atWork  bool // all lanes, at once
	torn    bool // a panic has ended the links of the pipelines
}

// moment is the running step.
type moment struct {
	set        *data.Set
	step, size int // its number in the epoch, and rows
	progress   optim.Progress
	weight     float64 // of its rows
	skip       bool    // it overflowed
	err        error
	lost       error   // of the link to the other ranks
	factor     float32 // of clipping
	lr         float64
}

// waiting is the most sums that wait at once for the other half of their tree over n
// leaves, where a lane computes the leaves s in turn.
func waiting(n int, s mesh.Span) (most int) {
	if s == (mesh.Span{To: n}) {
		return bits.Len(uint(n)) - 1 // the most bits that a number below n has set
	}
	top := 0
	for u := s.From; u < s.To; u++ {
		most = max(most, top)
		top += 1 - mesh.Merges(n, s, u)
	}
	return most
}

// deal is who computes what of a step. It has rounds, one after the other, each of
// which adds up leaves in a tree: up to zero 1 one round of all micro-batches, from
// zero 2 on one of each number i of them, with the shards as leaves.
type deal struct {
	rounds int
	leaves int       // of a round's tree, over all ranks
	span   mesh.Span // the rank's leaves
	lanes  int       // of the rank, that have leaves of their own
	stages int       // lanes that share the leaves of one of these, a stage each
	turns  int       // the most leaves that a lane of any rank computes in a round
}

// deal deals the micro-batches of a step out.
func (c *TrainConfig) deal(batch int, cost Cost) deal {
	shards := c.Mesh.Shards()
	d := deal{rounds: 1, leaves: c.leaves(), span: c.spanOf(c.Mesh.rank()), lanes: c.lanes(c.Mesh.rank(), batch, cost), stages: c.stageLanes(batch, cost)}
	each := d.leaves / shards
	if c.Mesh.Zero >= 2 {
		d.rounds, d.leaves = each, shards
		each = 1
	}
	for k := range c.Mesh.ranks() {
		s, lanes := c.spanOf(k), max(c.lanes(k, batch, cost), 1)
		d.turns = max(d.turns, ((s.To-s.From)*each+lanes-1)/lanes)
	}
	d.span.From, d.span.To = d.span.From*each, d.span.To*each
	return d
}

// spanOf is the block of shards of a rank.
func (c *TrainConfig) spanOf(rank int) mesh.Span {
	shards, n := c.Mesh.Shards(), c.Mesh.ranks()
	return mesh.Span{From: shards * rank / n, To: shards * (rank + 1) / n}
}

// of is the block of leaves of a lane.
func (d *deal) of(lane int) mesh.Span {
	from, n := d.span.From, d.span.To-d.span.From
	return mesh.Span{From: from + n*lane/d.lanes, To: from + n*(lane+1)/d.lanes}
}

// micro is the micro-batch that a leaf of a round is.
func (d *deal) micro(round, leaf int) int { return leaf*d.rounds + round }

// makeLanes makes the lanes, the first of which has the trainer's network and sums.
func (t *Trainer) makeLanes(held func() []float32) error {
	n, d := t.net, &t.deal
	u := d.leaves * d.rounds
	t.together = together{weights: make([]float64, u), losses: make([]float64, u)}
	t.cutBlocks()
	feed := t.cfg
	if _, free := feed.Augment.(data.Augmentation); !free && feed.Augment != nil && d.lanes*d.stages > 1 {
		feed.Augment = &oneByOne{Augmenter: feed.Augment}
	}
	t.lanes = make([]*lane, d.lanes*d.stages)
	var trees []mesh.Span
	own := 0
	for i := range t.lanes {
		l := &lane{number: i, net: n, span: d.of(i / d.stages), later: i%d.stages > 0}
		t.lanes[i] = l
		if i > 0 {
			work := func() { t.work(l) }
			l.work = work
			if t.cfg.Mesh.Lane != nil {
				l.work = func() { t.cfg.Mesh.Lane(work) }
			}
		}
		if l.later {
			first := t.lanes[i-i%d.stages]
			l.net, l.held, l.feeder = first.net, first.held, first.feeder
			continue
		}
		if i > 0 {
			l.net = t.laneNet(i, t.cfg.microRows(n.cfg.Batch))
		}
		for range waiting(d.leaves, l.span) {
			if i == 0 {
				l.held = append(l.held, held())
			} else {
				l.held = append(l.held, kernel.Floats(t.count))
			}
		}
		var err error
		if l.feeder, err = newFeeder(l.net, &feed); err != nil {
			return err
		}
		parts := mesh.Trees(d.leaves, l.span)
		trees = append(trees, parts...)
		for k := range t.units {
			u := &t.units[k]
			for _, h := range l.held[:len(parts)-1] {
				u.sums = append(u.sums, u.of(h))
			}
			u.sums = append(u.sums, l.net.gradientOf(k, u))
		}
		if i == 0 {
			own = len(parts) - 1
		}
		if t.inUnits {
			t.addEdges(l)
		}
	}
	if err := t.makePipes(&feed); err != nil {
		return err
	}
	t.addUpTo(trees, own)
	for i, l := range t.lanes {
		l.pieces = t.pieces(i)
		for k := range t.units {
			l.adding = append(l.adding, t.addingOf(&t.units[k], l))
		}
	}
	if len(t.lanes) > 1 {
		if t.meeting = mesh.NewMeeting(len(t.lanes)); d.stages > 1 {
			t.meeting.Look(t.uncrowded)
		}
	}
	if len(t.lanes) > 1 || d.rounds > 1 || t.ranks != nil {
		t.record = make([][]float32, u)
		all := kernel.Floats(u * len(n.stats))
		for u := range t.record {
			t.record[u] = all[u*len(n.stats):][:len(n.stats):len(n.stats)]
		}
		if t.ranks != nil {
			t.ranks.begin(t, all)
		}
	}
	return nil
}

// addUpTo lists the additions that are left once the lanes have the sums of trees. Each
// of the rank's subtrees comes to one sum, if possible to that number own.
func (t *Trainer) addUpTo(trees []mesh.Span, own int) {
	for _, whole := range mesh.Trees(t.deal.leaves, t.deal.span) {
		from := slices.IndexFunc(trees, func(s mesh.Span) bool { return s.From == whole.From })
		to := from + 1
		for trees[to-1].To < whole.To {
			to++
		}
		at := from
		if from <= own && own < to {
			at = own
		}
		for _, a := range mesh.Order(whole, trees[from:to], at-from) {
			t.adds = append(t.adds, [2]int{a[0] + from, a[1] + from})
		}
		for k := range t.units {
			u := &t.units[k]
			u.trees = append(u.trees, u.sums[at])
		}
	}
}

// oneByOne lets the lanes augment one after the other.
type oneByOne struct {
	Augmenter
	mu sync.Mutex
}

// Augment implements [Augmenter].
func (o *oneByOne) Augment(x []float32, in data.Shape, r *rand.Rand) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.Augmenter.Augment(x, in, r)
}

// share cuts what the optimizer works on into the lanes' pieces.
func (t *Trainer) share() {
	for _, l := range t.lanes {
		l.parts = l.parts[:0]
		for _, p := range l.pieces {
			for _, s := range t.spans {
				lo, hi := max(p.lo, s.lo), min(p.hi, s.hi)
				if lo >= hi {
					continue
				}
				from, to := lo-p.lo, hi-p.lo
				s.stretch = stretch{lo, hi}
				s.W, s.G, s.State = p.w[from:to:to], p.g[from:to:to], nil
				for _, slot := range t.slots {
					s.State = append(s.State, slot[p.at+from:p.at+to:p.at+to])
				}
				if t.cfg.Mask != nil {
					s.mask = t.cfg.Mask[lo:hi]
				}
				l.parts = append(l.parts, s)
			}
		}
	}
}
