package engine

import (
	"slices"

	"budwood/engine/kernel"
)

// blameStages is [Net.blame] of micro-batch u, of the given rows, by the ranks that have a
// stage each of it. They look in the order in which one rank would, and tell each other
// after each look who has found something; it is "" for all others.
func (t *Trainer) blameStages(u int, order []int32) string {
	n, p, r, m := t.net, t.lanes[0].pipe, t.ranks, &t.now
	own, last, pass := n.stage.number, n.stage.count()-1, t.pass(u)
	if own == 0 {
		t.lanes[0].feeder.fill(&batch{n.x.Data.Floats, n.batch}, 0, m.set, order, t.done)
	}
	if found, _ := r.found(own == 0 && !kernel.Finite(n.x.Data.Floats[:pass.Rows*n.x.Shape.Size()])); found >= 0 {
		return only(own == found, " in the input")
	}
	weight, bad := n.blameWeights()
	if first, _ := r.found(bad); first >= 0 {
		gradient := n.blameGradient() // also where the own weights are finite
		if _, spoilt := r.found(n.anyPart(gradient != "")); spoilt >= 0 {
			return only(own == spoilt, gradient)
		}
		return only(own == first, weight)
	}
	x, dx := n.x.Data.Floats[:pass.Rows*n.x.Shape.Size()], []float32(nil)
	if own > 0 {
		dx = n.x.Grad.Floats[:len(x)]
	}
	size := pass.Rows * n.y.Shape.Size()
	for stage := range last + 1 {
		where, bad := "", false
		if own == stage {
			if own > 0 {
				p.take(&p.before, x)
			}
			where, bad = n.blameForward(pass)
		}
		if found, _ := r.found(bad); found >= 0 {
			return where
		}
		if own == stage && own < last {
			p.send(&p.behind, n.y.Data.Floats[:size])
		}
	}
	bad = own == last && n.blameLoss(pass, p.targets(m.set, order, t.done), t.scaleOf(u))
	if found, _ := r.found(bad); found >= 0 {
		return only(own == found, " in the gradient of the loss")
	}
	for stage := last; stage >= 0; stage-- {
		where, bad := "", false
		if own == stage {
			if own < last {
				p.take(&p.behind, n.y.Grad.Floats[:size])
			}
			where, bad = n.blameBackward(pass)
		}
		if found, _ := r.found(bad); found >= 0 {
			return where
		}
		if own == stage && own > 0 {
			p.send(&p.before, dx)
		}
	}
	return ""
}

// only is the text for one, and nothing for others.
func only(one bool, text string) string {
	if !one {
		return ""
	}
	return text
}

// found gives the stages the first and the last of them that have found something; −1:
// none has. An error ends the link.
func (r *ranks) found(own bool) (first, last int) {
	flags := make([]float64, r.flow.Size())
	if own {
		flags[r.flow.Member()] = 1
	}
	if r.lost != nil || r.fail(r.flow.Sum64([][]float64{flags})) != nil {
		return 0, 0 // what is said then is the link's error
	}
	first = slices.Index(flags, 1)
	for last = len(flags) - 1; last >= 0 && flags[last] == 0; last-- {
	}
	return first, last
}
