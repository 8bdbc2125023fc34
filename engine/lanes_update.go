package engine

import (
	"fmt"
	"math"

	"budwood/engine/kernel"
)

// follow moves the average of a lane's piece of the weights, if there is one.
func (t *Trainer) follow(l *lane) {
	if t.average != nil {
		kernel.Lerp(t.average[l.lo:l.hi], t.net.params[l.lo:l.hi], float32(1-emaDecay(t.cfg.EMA, t.steps)))
	}
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
