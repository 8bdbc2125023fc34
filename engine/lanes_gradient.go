package engine

import (
	"math"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
)

// bad is the first micro-batch whose loss is not finite; -1 if there is none.
func (t *Trainer) bad() int {
	for u, sum := range t.losses {
		if math.IsNaN(sum) || math.IsInf(sum, 0) {
			return u
		}
	}
	return -1
}

// differentiate computes the gradients of a lane's leaves of a round and adds them up,
// as far as they are whole subtrees. It stops at a loss that is not finite.
func (t *Trainer) differentiate(l *lane, round int) {
	if t.inUnits {
		t.differentiateInUnits(l, round)
		return
	}
	if t.pipes() {
		t.flow(l)
		return
	}
	if l.later {
		return
	}
	top := 0 // sums that wait
	for leaf := l.span.From; leaf < l.span.To; leaf++ {
		u := t.deal.micro(round, leaf)
		if t.leaf(l, u); math.IsNaN(t.losses[u]) || math.IsInf(t.losses[u], 0) {
			return
		}
		top = l.merge(stretch{0, len(l.net.grads)}, leaf, top, t.deal.leaves)
	}
}

// merge adds a leaf's gradient, of some of the parameters, to the sums that it completes:
// top of them wait, and so many do afterwards.
func (l *lane) merge(of stretch, leaf, top, leaves int) int {
	g := of.of(l.net.grads)
	for range mesh.Merges(leaves, l.span, leaf) {
		top--
		kernel.Add(g, of.of(l.held[top]))
	}
	if leaf+1 < l.span.To {
		copy(of.of(l.held[top]), g)
		top++
	}
	return top
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
	sum, weight := l.net.step(p, t.feed(l, l.net, t.now.set, u), t.scaleOf(u))
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

// addUp adds the lanes' sums of a unit up in a lane's piece of it.
func (t *Trainer) addUp(l *lane, k int) {
	u, s := &t.units[k], l.adding[k]
	for at := s.lo; at < s.hi && len(t.adds) > 0; at += block { // which stays in the nearest cache
		end := min(at+block, s.hi)
		for _, a := range t.adds {
			kernel.Add(u.sums[a[0]][at:end], u.sums[a[1]][at:end])
		}
	}
}

// look takes the loss scale out of a lane's pieces of the sum of all ranks, limits them,
// and finds out whether they are finite and how long. What is frozen does not count when
// the norm is clipped.
func (t *Trainer) look(l *lane) {
	for i := range l.parts {
		if l.parts[i].frozen {
			clear(l.parts[i].G)
		}
		if m := l.parts[i].mask; m != nil {
			masked(l.parts[i].G, m)
		}
	}
	finite := true
	for i := range l.pieces {
		p := &l.pieces[i]
		if t.cfg.LossScale != nil {
			kernel.Scale(p.g, float32(1/t.scale.Scale))
			finite = kernel.Finite(p.g) && finite
		}
		if t.cfg.ClipValue > 0 {
			kernel.Clamp(p.g, float32(t.cfg.ClipValue))
		}
		if t.squares == nil {
			continue
		}
		from, to := t.blocksOf(p.stretch)
		for i := from; i < to; i++ {
			t.squares[i] = kernel.SumSquares(p.g[t.blocks[i]-p.lo : t.blocks[i+1]-p.lo])
		}
	}
	l.finite = finite
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
