package engine

import (
	"fmt"
	"math"

	"budwood/engine/kernel"
)

// follow moves the average of a lane's piece of the weights, if there is one.
func (t *Trainer) follow(l *lane) {
	if t.average != nil {
		for _, p := range l.pieces {
			average := t.average[p.at : p.at+p.size()]
			kernel.Lerp(average, p.w, float32(1-emaDecay(t.cfg.EMA, t.steps)))
			if t.cfg.Mask != nil {
				masked(average, t.cfg.Mask[p.lo:p.hi])
			}
		}
	}
}

// decide says whether the optimizer takes a step, and which.
func (t *Trainer) decide() {
	m := &t.now
	if t.cfg.LossScale != nil {
		finite := t.allFinite()
		if m.lost != nil {
			return
		}
		if m.err = t.cfg.LossScale.step(&t.scale, finite); m.err != nil || !finite {
			m.skip = true
			return
		}
	}
	if t.cfg.ClipNorm > 0 {
		norm := t.norm()
		if m.lost != nil {
			return
		}
		if m.factor = clipping(norm, t.cfg.ClipNorm); math.IsNaN(norm) || math.IsInf(norm, 0) {
			m.err = fmt.Errorf("gradient of norm %v", norm)
			return
		}
	}
	if t.average != nil && t.steps == 0 {
		t.copyWeights(t.average)
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
		if s.mask != nil {
			masked(s.W, s.mask)
			for _, state := range s.State {
				masked(state, s.mask)
			}
		}
	}
}
