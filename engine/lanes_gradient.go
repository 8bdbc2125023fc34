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
	sum, weight := l.net.step(p, t.feed(l, t.now.set, u), t.scaleOf(u))
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

// addUp adds the lanes' sums up in a lane's piece of the gradient.
func (t *Trainer) addUp(l *lane) {
	for at := l.all.lo; at < l.all.hi && len(t.adds) > 0; at += block { // which stays in the nearest cache
		end := min(at+block, l.all.hi)
		for _, a := range t.adds {
			kernel.Add(t.sums[a[0]][at:end], t.sums[a[1]][at:end])
		}
	}
}

// look takes the loss scale out of a lane's piece of the sum of all ranks, limits it,
// and finds out whether it is finite and how long.
func (t *Trainer) look(l *lane) {
	t.freeze(l)
	g := l.own.of(t.net.grads)
	if t.cfg.LossScale != nil {
		kernel.Scale(g, float32(1/t.scale.Scale))
		l.finite = kernel.Finite(g)
	}
	if t.cfg.ClipValue > 0 {
		kernel.Clamp(g, float32(t.cfg.ClipValue))
	}
	if t.squares != nil {
		from, to := t.blocksOf(l.own)
		for i := from; i < to; i++ {
			t.squares[i] = kernel.SumSquares(t.net.grads[t.blocks[i]:t.blocks[i+1]])
		}
	}
}

// freeze clears the gradient of what is frozen in a lane's piece: it does not count
// when the norm is clipped.
func (t *Trainer) freeze(l *lane) {
	at := 0
	for i := range t.spans {
		s := &t.spans[i]
		if from, to := max(at, l.own.lo), min(at+len(s.W), l.own.hi); s.frozen && from < to {
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
