package engine

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"sync"
	"time"

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
	l := &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, level: n.level, cuts: n.cuts, params: n.params, stats: n.stats, tables: n.tables}
	l.cfg.Batch = batch
	l.lay(batch)
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

// compute runs the step of t.now on all lanes.
func (t *Trainer) compute() {
	clear(t.losses)
	if t.meeting == nil {
		t.alone(t.lanes[0])
		return
	}
	began, turn := time.Now(), t.cfg.Mesh.turns || !t.cfg.Mesh.always && t.pace.next()
	if turn {
		t.inTurn()
	} else {
		for _, l := range t.lanes[1:] {
			go l.work()
		}
		t.work(t.lanes[0])
	}
	t.pace.done(time.Since(began), t.now.size)
	for _, l := range t.lanes {
		if p := l.panic; p != nil {
			l.panic = nil
			panic(p)
		}
	}
}

// inTurn is a step of the lanes one after the other, on the calling goroutine.
func (t *Trainer) inTurn() {
	for _, l := range t.lanes {
		t.differentiate(l)
	}
	if t.bad() >= 0 {
		return
	}
	t.settle()
	for _, l := range t.lanes {
		t.addUp(l)
	}
	t.decide()
	if t.now.skip || t.now.err != nil {
		return
	}
	for _, l := range t.lanes {
		t.advance(l)
	}
	for _, l := range t.lanes {
		t.follow(l)
	}
}

// alone is a step of one lane.
func (t *Trainer) alone(l *lane) {
	t.differentiate(l)
	if t.bad() >= 0 {
		return
	}
	t.addUp(l)
	t.decide()
	if t.now.skip || t.now.err != nil {
		return
	}
	t.advance(l)
	t.follow(l)
}

// work is a lane's part of a step. All lanes come to the same conclusions.
func (t *Trainer) work(l *lane) {
	first := l == t.lanes[0]
	l.try((*Trainer).differentiate, t)
	t.meeting.Wait()
	if t.bad() >= 0 || t.broken() {
		t.meeting.Wait() // nobody looks at what the first lane is about to change
		return
	}
	if first {
		t.settle()
	}
	t.addUp(l)
	early := t.cfg.LossScale == nil && t.cfg.ClipNorm == 0 // nothing depends on the gradient
	if first && early {
		t.decide()
	}
	t.meeting.Wait()
	if !early {
		if first {
			t.decide()
		}
		t.meeting.Wait()
	}
	if !t.now.skip && t.now.err == nil {
		l.try((*Trainer).advance, t)
		if t.average != nil {
			t.meeting.Wait()
			t.follow(l)
		}
	}
	t.meeting.Wait()
}

// try runs a part of a step that calls a user's code, and keeps what that panics
// with for the caller of the step.
func (l *lane) try(part func(*Trainer, *lane), t *Trainer) {
	defer l.catch()
	part(t, l)
}

// follow moves the average of a lane's piece of the weights, if there is one.
func (t *Trainer) follow(l *lane) {
	if t.average != nil {
		kernel.Lerp(t.average[l.lo:l.hi], t.net.params[l.lo:l.hi], float32(1-emaDecay(t.cfg.EMA, t.steps)))
	}
}

// catch is the deferred part of try.
func (l *lane) catch() {
	if p := recover(); p != nil {
		l.panic = p
	}
}

// broken reports whether a lane has panicked.
func (t *Trainer) broken() bool {
	for _, l := range t.lanes {
		if l.panic != nil {
			return true
		}
	}
	return false
}

// bad is the first micro-batch whose loss is not finite; -1 if there is none.
func (t *Trainer) bad() int {
	for u, sum := range t.losses {
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return u
		}
	}
	return -1
}

// differentiate computes the gradients of a lane's micro-batches and adds them up, as
// far as they are whole subtrees. It stops at a loss that is not finite.
func (t *Trainer) differentiate(l *lane) {
	top := 0 // sums that wait
	for u := l.span.From; u < l.span.To; u++ {
		if t.leaf(l, u); math.IsNaN(t.losses[u]) || math.IsInf(t.losses[u], 0) {
			return
		}
		for range mesh.Merges(len(t.losses), l.span, u) {
			top--
			kernel.Add(l.net.grads, l.held[top])
		}
		if u+1 < l.span.To {
			copy(l.held[top], l.net.grads)
			top++
		}
	}
}

// leaf computes loss and gradient of micro-batch u. That of no rows is 0.
func (t *Trainer) leaf(l *lane, u int) {
	from, to := micro(t.now.size, len(t.losses), u)
	if from == to {
		clear(l.net.grads)
		return
	}
	p := t.pass(u)
	if t.record != nil {
		p.Record = &t.record[u]
	}
	sum, weight := l.net.step(p, t.feed(l, t.now.set, t.rows+from, to-from), t.scaleOf(u))
	t.losses[u] = sum
	if len(t.losses) == 1 {
		t.now.weight = weight
	}
}

// settle gives the running statistics what the micro-batches have recorded, in their
// order.
func (t *Trainer) settle() {
	for u := range t.record {
		p := t.pass(u)
		p.Record = &t.record[u]
		for _, o := range t.net.plan.Ops {
			if s, ok := o.(plan.Settler); ok {
				s.Settle(p)
			}
		}
	}
}

// addUp adds the lanes' sums up in a lane's piece of the gradient, and looks at it.
func (t *Trainer) addUp(l *lane) {
	for at := l.lo; at < l.hi && len(t.adds) > 0; at += block { // which stays in the nearest cache
		end := min(at+block, l.hi)
		for _, a := range t.adds {
			kernel.Add(t.sums[a[0]][at:end], t.sums[a[1]][at:end])
		}
	}
	t.freeze(l)
	g := t.net.grads[l.lo:l.hi]
	if t.cfg.LossScale != nil {
		kernel.Scale(g, float32(1/t.scale.Scale))
		l.finite = kernel.Finite(g)
	}
	if t.cfg.ClipValue > 0 {
		kernel.Clamp(g, float32(t.cfg.ClipValue))
	}
	if t.squares != nil {
		for at := l.lo; at < l.hi; at += block {
			t.squares[at/block] = kernel.SumSquares(t.net.grads[at:min(at+block, l.hi)])
		}
	}
}

// freeze clears the gradient of what is frozen in a lane's piece: it does not count
// when the norm is clipped.
func (t *Trainer) freeze(l *lane) {
	at := 0
	for i := range t.spans {
		s := &t.spans[i]
		if from, to := max(at, l.lo), min(at+len(s.W), l.hi); s.frozen && from < to {
			clear(t.net.grads[from:to])
		}
		at += len(s.W)
	}
}

// finite reports whether all lanes have found finite values.
func (t *Trainer) finite() bool {
	for _, l := range t.lanes {
		if !l.finite {
			return false
		}
	}
	return true
}

// decide says whether the optimizer takes a step, and which.
func (t *Trainer) decide() {
	m := &t.now
	if t.cfg.LossScale != nil {
		finite := t.finite()
		if m.err = t.cfg.LossScale.step(&t.scale, finite); m.err != nil || !finite {
			m.skip = true
			return
		}
	}
	if t.cfg.ClipNorm > 0 {
		sum := 0.
		for _, s := range t.squares {
			sum += s
		}
		norm := math.Sqrt(sum)
		if m.factor = clipping(norm, t.cfg.ClipNorm); math.IsNaN(norm) || math.IsInf(norm, 0) {
			m.err = fmt.Errorf("gradient of norm %v", norm)
			return
		}
	}
	if t.average != nil && t.steps == 0 {
		copy(t.average, t.net.params)
	}
	m.lr = t.rate(m.progress)
	t.steps++
}

// advance takes the optimizer's step on a lane's pieces.
func (t *Trainer) advance(l *lane) {
	l.finite = true
	for i := range l.parts {
		s := &l.parts[i]
		if s.frozen {
			if t.steps == 1 && t.slow() != nil { // evaluation uses the slow weights
				copy(s.State[len(s.State)-1], s.W)
			}
			continue
		}
		if t.cfg.ClipNorm > 0 {
			kernel.Scale(s.G, t.now.factor)
		}
		s.LR, s.T = t.now.lr*s.rate, t.steps-s.missed
		l.finite = t.cfg.Optimizer.Step(&s.Span) && l.finite
	}
}
