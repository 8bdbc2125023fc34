package engine

import (
	"errors"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// layOut gives the blocks of the plan their places, and returns the floats needed in all.
func (n *Net) layOut() int64 {
	if n.stage == nil || n.stage.copies == 1 {
		return plan.LayOut(n.plan.Blocks)
	}
	shared, own := plan.LayOutCopies(n.plan.Blocks)
	return plan.Plus(shared, own)
}

// bindArena gives the blocks of the plan their memory, once they are laid out.
func (n *Net) bindArena(arena []float32) {
	if n.stage == nil || n.stage.copies == 1 {
		n.plan.Bind(arena)
		return
	}
	shared, own := plan.LayOutCopies(n.plan.Blocks)
	n.shared = arena[:shared:shared]
	n.plan.BindCopy(n.shared, arena[shared:shared+own])
}

// another is a copy of a stage for one more micro-batch that is between its forward and its
// backward pass.
func (n *Net) another() *Net {
	c := &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, level: n.level, cuts: n.cuts, link: n.link, stage: n.stage, recompute: n.recompute,
		params: n.params, grads: n.grads, stats: n.stats, tables: n.tables, shared: n.shared, batch: n.batch}
	c.plan, c.x, c.y = c.planFor(0)
	_, own := plan.LayOutCopies(c.plan.Blocks)
	c.arena = kernel.Floats(int(own))
	c.bindNumbers()
	c.plan.BindCopy(c.shared, c.arena)
	return c
}

// copies are the networks of a stage, of which n is the first.
func (n *Net) copies() []*Net {
	out := []*Net{n}
	for len(out) < n.stage.copies {
		out = append(out, n.another())
	}
	return out
}

// stageNet is a stage of a whole network, whose weights, gradient and statistics it works
// on. Activations are its own. The level is the current one.
func (n *Net) stageNet(s *stage) *Net {
	from, to := s.begin(), s.end()
	c := &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, level: n.level, cuts: n.cuts, stage: s, recompute: n.recompute}
	c.cfg.Batch = s.rows
	c.params, c.grads = n.params[from.weights:to.weights], n.grads[from.weights:to.weights]
	c.stats, c.tables = n.stats[from.running:to.running], n.tables[from.constants:to.constants]
	c.plan, c.x, c.y = c.planFor(0)
	at := c.slabs(nil)
	c.bind(at())
	return c
}

// bindNumbers gives the tensors of the plan their places.
func (n *Net) bindNumbers() {
	share(n.plan.Params, n.params, func(p *plan.Param, w []float32) { p.W = w })
	share(n.plan.Params, n.grads, func(p *plan.Param, g []float32) { p.G = g })
	share(n.plan.Stats, n.stats, func(p *plan.Param, w []float32) { p.W = w })
	share(n.plan.Tables, n.tables, func(p *plan.Param, w []float32) { p.W = w })
}

// inside gives the statistics of a stage their places among those of the whole network.
func (n *Net) inside() {
	for _, p := range n.plan.Stats {
		p.At += n.stage.begin().running
	}
}

// isPart is an error if a rank has a part of the network only.
func (n *Net) isPart() error {
	if n.link != nil || n.stage != nil {
		return errors.New("this rank has a part of the network: see Trainer.Whole")
	}
	return nil
}

// isStage is an error if a rank has a stage of the network only.
func (n *Net) isStage() error {
	if n.stage == nil {
		return nil
	}
	return n.isPart()
}
