package engine

import (
	"fmt"
	"slices"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/loss"
	"budwood/engine/mesh"
)

// From zero 2 on no rank has the whole gradient, and with zero 3 none has all weights
// (Rajbhandari et al. 2020, section 5). The network's plan has two more ops for each
// unit, an edge before and one behind its layers. Where the weights of a unit are
// needed, its first edge going forward and its last edge going backward gather them
// from the ranks' pieces; where its gradient is complete, the first edge going backward
// adds it up over the ranks, to each rank's piece. Units take turns in two buffers of
// weights and two of gradients. With zero 1 there are edges, too: gradients leave as
// early, but from where they are.

// edge is the beginning or the end of a unit in a lane's plan.
type edge struct {
	t     *Trainer
	l     *lane
	unit  int
	first bool
}

// Bind implements [plan.Op].
func (e *edge) Bind() {}

// Forward implements [plan.Op].
func (e *edge) Forward(plan.Pass) {
	if e.first {
		e.t.bring(e.l, e.unit, false)
	}
}

// Backward implements [plan.Op].
func (e *edge) Backward(plan.Pass) {
	if e.first {
		e.t.leave(e.l, e.unit)
	} else {
		e.t.bring(e.l, e.unit, true)
	}
}

// breakUp makes the network one of which this rank has its pieces: the values of its
// weights move there, and the memory of the rest is given back.
func (t *Trainer) breakUp() {
	n := t.net
	stats, tables, params := n.stats, n.tables, n.params
	n.plan, n.x, n.y = n.planFor(n.cfg.Batch)
	whole := t.cfg.Mesh.Zero < 3
	sizes := []int{len(stats), len(tables)}
	if whole {
		sizes = append(sizes, len(params))
	} else {
		w := buffers(t.units)
		sizes = append(sizes, w[0], w[1])
	}
	g := buffers(t.units)
	at := n.slabs(append(sizes, g[0], g[1]))
	n.stats, n.tables = at(), at()
	copy(n.stats, stats)
	copy(n.tables, tables)
	if n.params = nil; whole {
		n.params = at()
		copy(n.params, params)
	} else {
		t.master = kernel.Floats(t.size)
		for k := range t.units {
			copy(t.units[k].ownOf(t.master), t.units[k].own.of(params))
		}
		n.buffers.weights = [2][]float32{at(), at()}
	}
	n.grads = nil
	n.buffers.gradients = [2][]float32{at(), at()}
	t.bindUnits(n)
	n.bindBlocks(at())
	t.total = kernel.Floats(t.size)
}

// slabs makes an arena for vectors of some sizes, which it gives one after the other,
// and then for the blocks of the plan.
func (n *Net) slabs(sizes []int) (next func() []float32) {
	all := n.layOut()
	for _, s := range sizes {
		all += plan.Aligned(int64(s))
	}
	n.arena = kernel.Floats(int(all))
	rest := n.arena
	return func() []float32 {
		if len(sizes) == 0 {
			return rest
		}
		size := sizes[0]
		s := rest[:size:size]
		rest, sizes = rest[plan.Aligned(int64(size)):], sizes[1:]
		return s
	}
}

// unitBuffers are what units take turns in; of weights nil where all of them are there.
type unitBuffers struct{ weights, gradients [2][]float32 }

// bindUnits gives the tensors of the plan their places in buffers.
func (t *Trainer) bindUnits(n *Net) {
	share(n.plan.Stats, n.stats, func(p *plan.Param, w []float32) { p.W = w })
	share(n.plan.Tables, n.tables, func(p *plan.Param, w []float32) { p.W = w })
	at, k := 0, 0
	for _, p := range n.plan.Params {
		p.At = at
		at += int(p.Size)
		for p.At >= t.units[k].hi {
			k++
		}
		place := stretch{p.At - t.units[k].lo, at - t.units[k].lo}
		p.G = place.of(n.buffers.gradients[k%2])
		if n.params != nil {
			p.W = stretch{p.At, at}.of(n.params)
		} else {
			p.W = place.of(n.buffers.weights[k%2])
		}
	}
}

// dropEdges takes the edges of an earlier trainer out of the plan.
func (n *Net) dropEdges() {
	b := n.plan
	for i := len(b.Ops) - 1; i >= 0; i-- {
		if _, ok := b.Ops[i].(*edge); ok {
			b.Ops, b.Owner, b.Used = slices.Delete(b.Ops, i, i+1), slices.Delete(b.Owner, i, i+1), slices.Delete(b.Used, i, i+1)
			b.Runs = slices.Delete(b.Runs, i, i+1)
		}
	}
}

// addEdges puts the edges of the units into a lane's plan.
func (t *Trainer) addEdges(l *lane) {
	b := l.net.plan
	var ops []plan.Op
	var owner []int
	var used [][2][]*plan.Block
	var runs []int
	add := func(o plan.Op, of int, blocks [2][]*plan.Block, run int) {
		ops, owner, used, runs = append(ops, o), append(owner, of), append(used, blocks), append(runs, run)
	}
	for k := range t.units {
		s := t.units[k].ops
		add(&edge{t, l, k, true}, b.Owner[s.lo], [2][]*plan.Block{}, 0)
		for i := s.lo; i < s.hi; i++ {
			add(b.Ops[i], b.Owner[i], b.Used[i], b.Runs[i])
		}
		add(&edge{t, l, k, false}, b.Owner[s.hi-1], [2][]*plan.Block{}, 0)
	}
	b.Ops, b.Owner, b.Used, b.Runs = ops, owner, used, runs
}

// laneNet is a network that shares the weights, statistics and tables of the trainer's,
// and has gradients and activations of its own for batches of so many rows. The level
// is the current one.
func (t *Trainer) laneNet(number, batch int) *Net {
	n := t.net
	l := &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, level: n.level, cuts: n.cuts, stage: n.stage, recompute: n.recompute, params: n.params, stats: n.stats, tables: n.tables}
	l.cfg.Batch = batch
	if n.link != nil {
		l.link = n.link.another(number)
		l.cuts = l.link.cuts(n.cuts)
	}
	l.plan, l.x, l.y = l.planFor(batch)
	if !t.cfg.Mesh.sharded() {
		at := l.slabs([]int{t.count})
		l.grads = at()
		l.bind(at())
		return l
	}
	g := buffers(t.units)
	at := l.slabs(g[:])
	l.buffers = unitBuffers{n.buffers.weights, [2][]float32{at(), at()}}
	t.bindUnits(l)
	l.bindBlocks(at())
	return l
}

// gradientOf is where a lane computes the gradient of a unit.
func (n *Net) gradientOf(k int, u *unit) []float32 {
	if n.grads != nil {
		return u.of(n.grads)
	}
	return stretch{0, u.size()}.of(n.buffers.gradients[k%2])
}

// meet waits for the other lanes, while they are at work.
func (t *Trainer) meet() {
	if t.meeting != nil && t.atWork {
		t.meeting.Wait()
	}
}

// first reports whether a lane, all of which make this call, is to do what the ranks do
// with each other.
func (l *lane) first() bool { return l.number == 0 }

// bring brings the weights of a unit, where ranks have pieces of them.
func (t *Trainer) bring(l *lane, k int, back bool) {
	r := t.ranks
	if t.master == nil {
		return
	}
	if t.meet(); l.first() {
		r.brought++
		if back {
			k = 2*len(t.units) - 1 - k
		}
		r.carrier.bring(k)
	}
	t.meet()
}

// beginBlame readies the ranks for a search that one of them makes for what is not
// finite: gradients are summed up no more, and buffers have nothing that is not of the
// search.
func (r *ranks) beginBlame(n *Net) {
	r.quiet, r.brought = true, 0
	for _, buffers := range [][2][]float32{n.buffers.weights, n.buffers.gradients} {
		for _, b := range buffers {
			clear(b)
		}
	}
}

// endBlame brings the units that the search, which goes forward and backward through the
// network, has not come to, or all of them for the rank that makes it.
func (t *Trainer) endBlame() {
	n := len(t.units)
	for i := t.ranks.brought; t.master != nil && t.ranks.lost == nil && i < 2*n; i++ {
		t.bring(t.lanes[0], min(i, 2*n-1-i), i >= n)
	}
	t.ranks.quiet = false
}

// leave takes the gradient of a unit, which is complete, to the sums.
func (t *Trainer) leave(l *lane, k int) {
	r, u, at := t.ranks, &t.units[k], &l.at
	if r.quiet || at.idle {
		return
	}
	g, top := l.net.gradientOf(k, u), at.top
	if at.empty {
		clear(g)
	}
	for range at.merges {
		top--
		kernel.Add(g, u.of(l.held[top]))
	}
	if !at.last {
		copy(u.of(l.held[top]), g)
		return
	}
	t.meet()
	t.addUp(l, k)
	if t.meet(); l.first() {
		r.carrier.sum(k, l.round)
	}
	t.meet()
}

// leafAt is what a lane does with the leaf of a turn.
type leafAt struct {
	micro  int  // its micro-batch
	idle   bool // there is none: other lanes have more
	empty  bool // it has no rows
	last   bool // of the round, for all lanes
	merges int  // additions that follow it
	top    int  // sums that wait before it
	pass   plan.Pass
	target loss.Targets
}

// differentiateInUnits is [Trainer.differentiate] of ranks that share gradients. All
// lanes of all ranks take as many turns, in which they do what they do together; those
// with fewer leaves begin later. A loss that is not finite does not end it.
func (t *Trainer) differentiateInUnits(l *lane, round int) {
	d, at := &t.deal, &l.at
	l.round, at.top = round, 0
	if round == 0 && l.first() {
		t.ranks.carrier.start(true)
	}
	for turn := range d.turns {
		leaf := l.span.To - d.turns + turn
		*at = leafAt{idle: leaf < l.span.From, top: at.top, last: leaf+1 == l.span.To}
		if !at.idle {
			at.micro = d.micro(round, leaf)
			from, to := micro(t.now.size, len(t.losses), at.micro)
			at.empty, at.merges = from == to, mesh.Merges(d.leaves, l.span, leaf)
		}
		t.through(l)
		if at.top -= at.merges; !at.idle && !at.last {
			at.top++
		}
	}
	if round+1 == d.rounds && l.first() {
		t.ranks.carrier.stop()
	}
}

// through takes a lane's leaf forward and backward through the network, or nothing but
// the edges of the units.
func (t *Trainer) through(l *lane) {
	at, ops := &l.at, l.net.plan.Ops
	compute := !at.idle && !at.empty && l.panic == nil
	if compute {
		at.pass = t.pass(at.micro)
		at.pass.Record = &t.record[at.micro]
		l.try((*Trainer).fetch, t)
		compute = l.panic == nil
	}
	for _, o := range ops {
		if _, ok := o.(*edge); ok || compute {
			o.Forward(at.pass)
		}
	}
	if compute {
		l.try((*Trainer).judge, t)
		compute = l.panic == nil
	}
	for i, o := range slices.Backward(ops) {
		if _, ok := o.(*edge); ok || compute {
			l.net.plan.Back(i, at.pass)
		}
	}
}

// fetch gathers the rows of a lane's leaf.
func (t *Trainer) fetch(l *lane) { l.at.target = t.feed(l, l.net, t.now.set, l.at.micro) }

// judge computes the loss of a lane's leaf and its gradient by the outputs.
func (t *Trainer) judge(l *lane) {
	t.losses[l.at.micro], _ = l.net.judge(l.at.pass, l.at.target, t.scaleOf(l.at.micro))
}

// passEdges brings the weights of all units, as a forward pass does, for others that
// have one to make.
func (n *Net) passEdges() {
	for _, o := range n.plan.Ops {
		if e, ok := o.(*edge); ok {
			e.Forward(plan.Pass{})
		}
	}
}

// Whole is the network with all of its weights, on every rank: with zero 3, or where ranks
// have a part of the layers each, another one than [Trainer.Net], which takes memory of its own; else the same. It is a call that all
// ranks make.
func (t *Trainer) Whole() (*Net, error) {
	if t.net.isPart() != nil {
		return t.wholeOfParts()
	}
	if t.master == nil {
		return t.net, nil
	}
	n, err := Compile(t.net.layer, t.net.in, t.net.cfg)
	if err == nil && t.net.cuts != nil {
		err = n.cut(t.net.cuts)
	}
	if err = t.ranks.agree(err); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	for k := range t.units {
		copy(t.units[k].own.of(n.params), t.weightsOf(&t.units[k]))
	}
	copy(n.stats, t.net.stats)
	if err := t.gather(n.params); err != nil {
		return nil, fmt.Errorf("trainer: %w", err)
	}
	return n, nil
}
