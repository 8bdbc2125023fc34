package engine

import (
	"fmt"
	"slices"

	"budwood/engine/kernel"
	"budwood/engine/loss"
)

// blame names where NaN or infinity comes from in a step that went wrong, by
// running the batch that is in the input block again, op by op: the input, a
// tensor, the first layer whose output holds some, the loss, or the first layer
// that makes some of its gradient. It is "" if nothing is found. Training itself
// looks at the loss and the weights only, which costs nothing.
func (n *Net) blame(p pass, t loss.Targets, scale float64) string {
	if !kernel.Finite(n.x.data.data[:p.rows*n.in.Size()]) {
		return " in the input"
	}
	if q := firstBad(n.plan.params, func(q *param) []float32 { return q.w }); q != nil {
		// The step has spoilt the weights already: its gradient tells which layer
		// began.
		if g := lastBad(n.plan.params, func(q *param) []float32 { return q.g }); g != nil {
			return fmt.Sprintf(" in the gradient of tensor %s of layer %s", g.name, n.plan.layerName(g.owner))
		}
		return " in tensor " + q.name
	}
	for i, o := range n.plan.ops {
		o.forward(p)
		if n.plan.bad(n.plan.used[i][0], p.rows) {
			return " in the output of layer " + n.plan.layerName(n.plan.owner[i])
		}
	}
	size := p.rows * n.out.Size()
	d := n.y.grad.data[:size]
	n.cfg.Loss.Gradient(d, n.y.data.data[:size], t, p.rows)
	kernel.Scale(d, float32(scale))
	if !kernel.Finite(d) {
		return " in the gradient of the loss"
	}
	for i, o := range slices.Backward(n.plan.ops) {
		o.backward(p)
		own := n.plan.owner[i]
		wrong := lastBad(n.plan.params, func(q *param) []float32 {
			if q.owner != own {
				return nil
			}
			return q.g
		})
		if wrong != nil || n.plan.bad(n.plan.used[i][1], p.rows) {
			return " in the gradient of layer " + n.plan.layerName(own)
		}
	}
	return ""
}

// firstBad is the first tensor with a value that is not finite, nil if there is
// none.
func firstBad(ps []*param, of func(*param) []float32) *param {
	for _, q := range ps {
		if !kernel.Finite(of(q)) {
			return q
		}
	}
	return nil
}

// lastBad is the last such tensor, which the backward pass reaches first.
func lastBad(ps []*param, of func(*param) []float32) *param {
	for _, q := range slices.Backward(ps) {
		if !kernel.Finite(of(q)) {
			return q
		}
	}
	return nil
}

// bad tells whether one of the blocks holds a value that is not finite. Scratch
// memory may.
func (b *builder) bad(blocks []*block, rows int) bool {
	for _, k := range blocks {
		if k != nil && k.sample > 0 && !kernel.Finite(k.data[:rows*int(k.sample)]) {
			return true
		}
	}
	return false
}

// layerName is the path and the name of a row's layer.
func (b *builder) layerName(i int) string {
	r := b.rows[i]
	if r.path == "" { // the network is one layer
		return r.layer
	}
	return r.path + " " + r.layer
}
