package engine

import (
	"math/bits"
	"math/rand/v2"
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
	lo, hi int         // its piece of all parameters
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
	squares []float64 // Σ g² of each block of the gradient
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
	factor     float32 // of clipping
	lr         float64
}

// block is the length of the pieces of the gradient whose squares are summed by
// themselves.
const block = 4096

// lane is a network that shares the weights, statistics and tables of n, and has
// gradients and activations of its own for batches of so many rows. The level of n
// is the current one.
func (n *Net) lane(batch int) *Net {
	l := &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, level: n.level, recompute: n.recompute, params: n.params, stats: n.stats, tables: n.tables}
	l.cfg.Batch = batch
	l.plan, l.x, l.y = n.planFor(batch)
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

// spanOf is the block of micro-batches of lane i of n.
func spanOf(leaves, n, i int) mesh.Span {
	return mesh.Span{From: leaves * i / n, To: leaves * (i + 1) / n}
}

// makeLanes makes the lanes, the first of which has the trainer's network and sums.
func (t *Trainer) makeLanes(held func() []float32) error {
	n, leaves := t.net, t.cfg.leaves()
	count := t.cfg.lanes(n.cfg.Batch, Cost(n.plan.Cost()))
	t.together = together{weights: make([]float64, leaves), losses: make([]float64, leaves)}
	if t.cfg.ClipNorm > 0 {
		t.squares = make([]float64, (len(n.params)+block-1)/block)
	}
	feed := t.cfg
	if _, free := feed.Augment.(data.Augmentation); !free && feed.Augment != nil && count > 1 {
		feed.Augment = &oneByOne{Augmenter: feed.Augment}
	}
	t.lanes = make([]*lane, count)
	var trees []mesh.Span
	own := 0
	for i := range t.lanes {
		l := &lane{net: n, span: spanOf(leaves, count, i)}
		if i > 0 {
			l.net = n.lane(t.cfg.microRows(n.cfg.Batch))
			work := func() { t.work(l) }
			l.work = work
			if t.cfg.Mesh.Lane != nil {
				l.work = func() { t.cfg.Mesh.Lane(work) }
			}
		}
		for range waiting(leaves, l.span) {
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
		l.lo, l.hi = cutBlocks(len(n.params), count, i)
		parts := mesh.Trees(leaves, l.span)
		trees = append(trees, parts...)
		t.sums = append(append(t.sums, l.held[:len(parts)-1]...), l.net.grads)
		if i == 0 {
			own = len(parts) - 1
		}
		t.lanes[i] = l
	}
	if count > 1 {
		t.meeting = mesh.NewMeeting(count)
		t.adds = mesh.Order(leaves, trees, own)
		t.record = make([][]float32, leaves)
		for u := range t.record {
			t.record[u] = make([]float32, len(n.stats))
		}
	}
	return nil
}

// cutBlocks is the piece from … to−1 of a vector, of whole blocks, that is lane i's
// of n.
func cutBlocks(length, n, i int) (from, to int) {
	blocks := (length + block - 1) / block
	return min(blocks*i/n*block, length), min(blocks*(i+1)/n*block, length)
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

// share cuts what the optimizer works on into the lanes' pieces, at multiples of 16
// values from where a stretch begins: there it takes the same steps as on the whole.
func (t *Trainer) share() {
	for i, l := range t.lanes {
		l.parts = l.parts[:0]
		for _, p := range t.spans {
			from, to := mesh.Cut(len(p.W), len(t.lanes), i)
			if from == to {
				continue
			}
			p.W, p.G = p.W[from:to:to], p.G[from:to:to]
			state := p.State
			p.State = nil
			for _, s := range state {
				p.State = append(p.State, s[from:to:to])
			}
			l.parts = append(l.parts, p)
		}
	}
}
