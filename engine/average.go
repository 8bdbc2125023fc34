package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/optim"
)

// emaDecay is the β of step t (from 1) of an exponential moving average: it
// grows to the wanted one, so that the average of a short training does not
// consist of its beginning: min(β, (1 + t)/(10 + t)).
func emaDecay(beta float64, t int) float64 { return min(beta, float64(1+t)/float64(10+t)) }

// averaged is what stands for the own pieces of the weights in evaluation: their
// moving average, or the slow weights of [optim.Lookahead]. It is nil if there is none.
func (t *Trainer) averaged() []float32 {
	if t.steps == 0 {
		return nil
	}
	if t.average != nil {
		return t.average
	}
	return t.slow()
}

// slow are the slow weights of [optim.Lookahead], nil if there are none.
func (t *Trainer) slow() []float32 {
	if _, ok := t.cfg.Optimizer.(optim.Lookahead); ok {
		return t.slots[len(t.slots)-1]
	}
	return nil
}

// Evaluate scores the network on a set in inference mode, with the moving
// average of the weights if there is one, or the slow weights of [optim.Lookahead].
// Running statistics are always the network's own. The lanes of a mesh share out the
// rows, in pieces as large as a micro-batch: the same bits on any number of threads and
// ranks.
func (t *Trainer) Evaluate(s *data.Set) (Score, error) { return t.EvaluateTo(nil, s) }

// EvaluateTo is [Net.EvaluateTo] with the weights that Evaluate scores.
// Either all ranks have a place for the outputs or none has.
func (t *Trainer) EvaluateTo(outputs []float32, s *data.Set) (score Score, err error) {
	evaluate := t.net.EvaluateTo
	if t.cfg.Mesh.Cuts() {
		evaluate = t.evaluateInPieces
	}
	err = t.Averaged(func(*Net) (err error) {
		score, err = evaluate(outputs, s)
		return t.ranks.fail(err)
	})
	return score, err
}

// Averaged does something with the network while it has the weights that Evaluate scores.
func (t *Trainer) Averaged(do func(n *Net) error) (err error) {
	if a := t.averaged(); a != nil {
		if err := t.exchange(a); err != nil {
			return fmt.Errorf("trainer: %w", err)
		}
		defer func() {
			if back := t.exchange(a); err == nil && back != nil {
				err = fmt.Errorf("trainer: %w", back)
			}
		}()
	}
	if err := do(t.net); err != nil {
		return fmt.Errorf("trainer: %w", err)
	}
	return nil
}

// exchange exchanges the own pieces of the weights and something that is as long, and
// gives the other ranks what the weights are then.
func (t *Trainer) exchange(b []float32) error {
	for k := range t.units {
		u := &t.units[k]
		a, b := t.weightsOf(u), u.ownOf(b)
		for i := range b {
			a[i], b[i] = b[i], a[i]
		}
	}
	return t.gather(t.net.params)
}

// copyWeights copies the own pieces of the weights.
func (t *Trainer) copyWeights(to []float32) {
	for k := range t.units {
		copy(t.units[k].ownOf(to), t.weightsOf(&t.units[k]))
	}
}

// KeepBest copies the weights, or what stands for them in [Trainer.Evaluate],
// and the running statistics as the best so far. The copy is part of the
// checkpoint.
func (t *Trainer) KeepBest() {
	t.best.epoch = t.done
	if t.best.params == nil || len(t.best.params) != t.size { // a rank may have none
		t.best.params = make([]float32, t.size)
	}
	if w := t.averaged(); w != nil {
		copy(t.best.params, w)
	} else {
		t.copyWeights(t.best.params)
	}
	t.best.stats = append(t.best.stats[:0], t.net.stats...)
}

// RestoreBest sets the network to the copy made by KeepBest and reports whether
// there was one.
func (t *Trainer) RestoreBest() bool {
	if t.best.params == nil {
		return false
	}
	for k := range t.units {
		copy(t.weightsOf(&t.units[k]), t.units[k].ownOf(t.best.params))
	}
	copy(t.net.stats, t.best.stats)
	t.gather(t.net.params) // an error ends the link: every later call returns it
	return true
}
