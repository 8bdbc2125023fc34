package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// cutsFor says how a network is cut to be trained with t; nil: not at all.
func cutsFor(l Layer, in data.Shape, c *Config, t *TrainConfig) (*plan.Cuts, error) {
	if t.Mesh.Tensor < 2 {
		return nil, nil
	}
	return cutsOf(l, in, c.Loss, t.Mesh.Tensor, plan.InTurn)
}

// cutFor cuts the network as a trainer wants it, if it is not cut so already. Weights and
// statistics stay what they are, in memory of their own.
func (n *Net) cutFor(t *TrainConfig) error {
	cuts, err := cutsFor(n.layer, n.in, &n.cfg, t)
	if err != nil {
		return err
	}
	if cuts.Count() == n.cuts.Count() {
		return nil
	}
	was := *n
	n.cuts = cuts
	n.level.Enter()
	defer kernel.Leave()
	n.plan, n.x, n.y = n.planFor(n.cfg.Batch)
	if err := n.allocate(); err != nil {
		*n = was
		return err
	}
	copy(n.params, was.params)
	copy(n.grads, was.grads)
	copy(n.stats, was.stats)
	copy(n.tables, was.tables)
	return nil
}

// takePart takes the own part of the numbers of a whole network.
func (n *Net) takePart(whole *Net) {
	for i, q := range n.plan.Params {
		q.Take(q.W, whole.plan.Params[i].W)
	}
	for i, q := range n.plan.Stats {
		q.Take(q.W, whole.plan.Stats[i].W)
	}
	copy(n.tables, whole.tables)
}
