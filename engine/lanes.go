package engine

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// lane computes a block of a step's micro-batches in turn. It shares weights,
// statistics, tables and the optimizer's state with the other lanes; activations and
// gradients are its own. The first lane's network is the trainer's.
type lane struct {
	net    *Net
	feeder *feeder
	span   mesh.Span   // its micro-batches
	held   [][]float32 // sums of gradients that wait for the other half of their tree
	parts  []part      // its pieces of what the optimizer works on
	all    stretch     // of the parameters, where it adds up the lanes' gradients
	own    stretch     // of those that the rank updates, its piece
	finite bool        // what it has looked at last
	panic  any         // of a user's code
	work   func()      // its part of a step; nil for the first
}

// together is what the lanes of a trainer share in a step.
type together struct {
	meeting *mesh.Meeting // nil for one lane
	adds    [][2]int      // the additions that are left once every lane has its sums
	sums    [][]float32   // of all lanes, one for each of their subtrees
	record  [][]float32   // of each micro-batch: the statistics that batch norms have seen; nil for one lane

	weights []float64 // of each micro-batch
	losses  []float64 // of each micro-batch: the sum over its rows
	blocks  []int     // where each block of the gradient begins, and where the last one ends
	squares []float64 // Σ g² of each block
	now     moment
	pace    pace
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

// lane is a network that shares the weights, statistics and tables of n, and has
// gradients and activations of its own for batches of so many rows. The level of n
// is the current one.
func (n *Net) lane(batch int) *Net {
	l := &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, level: n.level, params: n.params, stats: n.stats, tables: n.tables}
	l.cfg.Batch = batch
	l.plan, l.x, l.y = plan.New(n.in, batch, n.cfg.Precision.format(), n.layer.build)
	size := plan.Aligned(int64(len(n.params)))
	l.arena = kernel.Floats(int(size + plan.LayOut(l.plan.Blocks)))
	l.grads = l.arena[:len(n.params):len(n.params)]
	l.bind(l.arena[size:])
	return l
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

// deal is who computes what of a step.
type deal struct {
	leaves int       // of the tree of all ranks
	span   mesh.Span // the rank's micro-batches
	lanes  int       // of the rank
}

// deal deals the micro-batches of a step out.
func (c *TrainConfig) deal(batch int, cost Cost) deal {
	return deal{c.leaves(), c.spanOf(c.Mesh.rank()), c.lanes(batch, cost)}
}

// spanOf is the block of micro-batches of a rank: those of its shards.
func (c *TrainConfig) spanOf(rank int) mesh.Span {
	shards, n := c.Mesh.Shards(), c.Mesh.ranks()
	each := c.leaves() / shards
	return mesh.Span{From: shards * rank / n * each, To: shards * (rank + 1) / n * each}
}

// of is the block of micro-batches of a lane.
func (d *deal) of(lane int) mesh.Span {
	from, n := d.span.From, d.span.To-d.span.From
	return mesh.Span{From: from + n*lane/d.lanes, To: from + n*(lane+1)/d.lanes}
}

// makeLanes makes the lanes, the first of which has the trainer's network and sums.
func (t *Trainer) makeLanes(d deal, held func() []float32) error {
	n := t.net
	t.together = together{weights: make([]float64, d.leaves), losses: make([]float64, d.leaves)}
	t.cutBlocks()
	feed := t.cfg
	if _, free := feed.Augment.(data.Augmentation); !free && feed.Augment != nil && d.lanes > 1 {
		feed.Augment = &oneByOne{Augmenter: feed.Augment}
	}
	t.lanes = make([]*lane, d.lanes)
	var trees []mesh.Span
	own := 0
	for i := range t.lanes {
		l := &lane{net: n, span: d.of(i)}
		if i > 0 {
			l.net = n.lane(t.cfg.microRows(n.cfg.Batch))
			work := func() { t.work(l) }
			l.work = work
			if t.cfg.Mesh.Lane != nil {
				l.work = func() { t.cfg.Mesh.Lane(work) }
			}
		}
		for range waiting(d.leaves, l.span) {
			if i == 0 {
				l.held = append(l.held, held())
			} else {
				l.held = append(l.held, kernel.Floats(len(n.params)))
			}
		}
		var err error
		if l.feeder, err = newFeeder(l.net, &feed); err != nil {
			return err
		}
		l.all = t.laneStretch(stretch{0, len(n.params)}, i)
		l.own = t.laneStretch(t.own(), i)
		parts := mesh.Trees(d.leaves, l.span)
		trees = append(trees, parts...)
		t.sums = append(append(t.sums, l.held[:len(parts)-1]...), l.net.grads)
		if i == 0 {
			own = len(parts) - 1
		}
		t.lanes[i] = l
	}
	t.addUpTo(d, trees, own)
	if d.lanes > 1 {
		t.meeting = mesh.NewMeeting(d.lanes)
	}
	if d.lanes > 1 || t.ranks != nil {
		t.record = make([][]float32, d.leaves)
		for u := range t.record {
			t.record[u] = make([]float32, len(n.stats))
		}
	}
	if t.ranks != nil {
		t.ranks.begin(t)
	}
	return nil
}

// addUpTo lists the additions that are left once the lanes have the sums of trees. Each
// of the rank's subtrees comes to one sum, if possible to that number own.
func (t *Trainer) addUpTo(d deal, trees []mesh.Span, own int) {
	for _, whole := range mesh.Trees(d.leaves, d.span) {
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
		if t.ranks != nil {
			t.ranks.sums = append(t.ranks.sums, t.sums[at])
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
	own := t.own()
	for _, l := range t.lanes {
		l.parts = l.parts[:0]
		at := 0
		for _, p := range t.spans {
			from, to := max(l.own.lo-at, 0), min(l.own.hi-at, len(p.W))
			at += len(p.W)
			if from >= to {
				continue
			}
			place := at - len(p.W) - own.lo
			p.W, p.G = p.W[from:to:to], p.G[from:to:to]
			for _, slot := range t.slots {
				p.State = append(p.State, slot[place+from:place+to:place+to])
			}
			l.parts = append(l.parts, p)
		}
	}
}
