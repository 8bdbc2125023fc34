package engine

import (
	"errors"
	"fmt"

	"budwood/engine/optim"
	"budwood/engine/safetensors"
)

// Swap lets the trainer go on with another network, as the training of weights
// that many networks share does with each step. The order of the data, the
// schedule and the count of steps stay; the optimizer's state is zeros, to be
// filled in [Trainer.State]. steps are the optimizer's steps that each tensor, in
// the order of [Net.Tensors], has taken part in so far, by which Adam corrects its
// averages; nil: all. A copy made by KeepBest is gone.
//
// It is an error if inputs, outputs or batch differ, and for what belongs to one
// network alone: a moving average of the weights, [optim.Lookahead], a loss scale, a mesh.
func (t *Trainer) Swap(n *Net, steps []int) error {
	if n == nil || n.err != nil {
		return errors.New("swap: there is no network")
	}
	was := t.net
	if _, slow := t.cfg.Optimizer.(optim.Lookahead); slow || t.cfg.EMA > 0 || t.cfg.LossScale != nil {
		return errors.New("swap: averages of the weights and a loss scale belong to one network")
	}
	if t.cfg.Mask != nil {
		return errors.New("swap: a mask of the weights belongs to one network")
	}
	if t.cfg.Mesh.Cuts() || t.ranks != nil {
		return errors.New("swap: the lanes of a mesh belong to one network")
	}
	if !n.in.Equal(was.in) || !n.out.Equal(was.out) || n.cfg.Batch != was.cfg.Batch {
		return fmt.Errorf("swap: a network from %v to %v with batches of %d for one from %v to %v with %d",
			n.in, n.out, n.cfg.Batch, was.in, was.out, was.cfg.Batch)
	}
	if steps != nil && len(steps) != len(n.plan.Params) {
		return fmt.Errorf("swap: steps of %d tensors for a network of %d", len(steps), len(n.plan.Params))
	}
	t.ahead.wait()
	t.net, t.best = n, snapshot{}
	if err := t.allocate(steps); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	return nil
}

// State is the optimizer's state: for each of its slots the tensors of
// [Net.Tensors], in their order and with their names. The data is shared with the
// trainer, which is alone: where ranks share the state, it is in [Trainer.Save] only.
func (t *Trainer) State() [][]safetensors.Tensor {
	if t.size < t.count || t.net.isPart() != nil {
		return nil
	}
	out := make([][]safetensors.Tensor, len(t.slots))
	for i, slot := range t.slots {
		out[i] = t.net.tensors(t.net.plan.Params, slot)
	}
	return out
}

// Loss is the mean loss of the last epoch that was completed.
func (t *Trainer) Loss() float64 { return t.loss }
