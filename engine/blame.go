package engine

import (
	"fmt"
	"slices"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/loss"
)

// blame names where NaN or infinity comes from in a step that went wrong, by
// running the batch that is in the input block again, op by op: the input, a
// tensor, the first layer whose output holds some, the loss, or the first layer
// that makes some of its gradient. It is "" if nothing is found. Training itself
// looks at the loss and the weights only, which costs nothing. All parts of a network
// that is cut look together.
func (n *Net) blame(p plan.Pass, t loss.Targets, scale float64) string {
	if !kernel.Finite(n.x.Data.Floats[:p.Rows*n.in.Size()]) {
		return " in the input"
	}
	if weight, bad := n.blameWeights(); bad {
		// The step has spoilt the weights already: its gradient tells which layer began.
		gradient := n.blameGradient()
		if n.anyPart(gradient != "") {
			return gradient
		}
		return weight
	}
	if where, bad := n.blameForward(p); bad {
		return where
	}
	if n.blameLoss(p, t, scale) {
		return " in the gradient of the loss"
	}
	where, _ := n.blameBackward(p)
	return where
}

// blameWeights names the first tensor that is not finite, and says whether any part of the
// network has one.
func (n *Net) blameWeights() (where string, bad bool) {
	q := firstBad(n.plan.Params, func(q *plan.Param) []float32 { return q.W })
	if q != nil {
		where = " in tensor " + q.Name
	}
	return where, n.anyPart(q != nil)
}

// blameGradient names the last tensor whose gradient is not finite; "" if there is none.
func (n *Net) blameGradient() string {
	g := lastBad(n.plan.Params, func(q *plan.Param) []float32 { return q.G })
	if g == nil {
		return ""
	}
	return fmt.Sprintf(" in the gradient of tensor %s of layer %s", g.Name, n.plan.LayerName(g.Owner))
}

// blameForward runs forward until a layer's output is not finite.
func (n *Net) blameForward(p plan.Pass) (where string, bad bool) {
	for i, o := range n.plan.Ops {
		o.Forward(p)
		if n.anyPart(n.plan.Bad(n.plan.Used[i][0], p.Rows)) {
			return " in the output of layer " + n.plan.LayerName(n.plan.Owner[i]), true
		}
	}
	return "", false
}

// blameLoss reports whether the gradient of the loss is not finite.
func (n *Net) blameLoss(p plan.Pass, t loss.Targets, scale float64) bool {
	size := p.Rows * n.y.Shape.Size()
	d := n.y.Grad.Floats[:size]
	n.compare(d, n.y.Data.Floats[:size], t, p.Rows)
	kernel.Scale(d, float32(scale))
	return n.anyPart(!kernel.Finite(d))
}

// blameBackward runs backward until a layer makes a gradient that is not finite.
func (n *Net) blameBackward(p plan.Pass) (where string, bad bool) {
	for i := range slices.Backward(n.plan.Ops) {
		n.plan.Back(i, p)
		own := n.plan.Owner[i]
		wrong := lastBad(n.plan.Params, func(q *plan.Param) []float32 {
			if q.Owner != own {
				return nil
			}
			return q.G
		})
		if n.anyPart(wrong != nil || n.plan.Bad(n.plan.Used[i][1], p.Rows)) {
			return " in the gradient of layer " + n.plan.LayerName(own), true
		}
	}
	return "", false
}

// firstBad is the first tensor with a value that is not finite, nil if there is
// none.
func firstBad(ps []*plan.Param, of func(*plan.Param) []float32) *plan.Param {
	for _, q := range ps {
		if !kernel.Finite(of(q)) {
			return q
		}
	}
	return nil
}

// lastBad is the last such tensor, which the backward pass reaches first.
func lastBad(ps []*plan.Param, of func(*plan.Param) []float32) *plan.Param {
	for _, q := range slices.Backward(ps) {
		if !kernel.Finite(of(q)) {
			return q
		}
	}
	return nil
}
