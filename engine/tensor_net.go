package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// cutsFor says how a network is cut to be trained with t, by the rank that trains it; nil:
// not at all.
func cutsFor(l Layer, in data.Shape, c *Config, t *TrainConfig) (*plan.Cuts, error) {
	if t.Mesh.Tensor < 2 {
		return nil, nil
	}
	part := plan.InTurn
	if t.Mesh.cells() > 1 {
		part = t.Mesh.part()
	}
	return cutsOf(l, in, c.Loss, t.Mesh.Tensor, part)
}

// cut cuts a network into parts to be computed in turn, if it is not cut so already.
// Weights and statistics stay what they are, in memory of their own.
func (n *Net) cut(cuts *plan.Cuts) error {
	if cuts.Count() == n.cuts.Count() {
		return nil
	}
	was := *n
	n.cuts = cuts
	if err := n.again(); err != nil {
		*n = was
		return err
	}
	copy(n.params, was.params)
	copy(n.grads, was.grads)
	copy(n.stats, was.stats)
	copy(n.tables, was.tables)
	return nil
}

// again plans a network anew.
func (n *Net) again() error {
	n.level.Enter()
	defer kernel.Leave()
	n.plan, n.x, n.y = n.planFor(n.cfg.Batch)
	return n.allocate()
}

// takePart takes the own part of the numbers of a whole network.
func (n *Net) takePart(whole *Net) {
	first := n.first()
	for i, q := range n.plan.Params {
		q.Take(q.W, whole.plan.Params[first.params+i].W)
	}
	for i, q := range n.plan.Stats {
		q.Take(q.W, whole.plan.Stats[first.stats+i].W)
	}
	copy(n.tables, whole.tables[first.constants:])
}

// outputs are those of the last forward pass, of all parts if they are cut.
func (n *Net) outputs(rows int) []float32 {
	size := rows * n.out.Size()
	if n.wide == nil {
		return n.y.Data.Floats[:size]
	}
	h, y, all := n.cuts.Head, n.y.Data.Floats, n.wide[:size]
	own := h.Spans[n.cuts.Part][0]
	for len(all) > 0 {
		row := all[:h.Size]
		setAll(row, float32(nothing))
		y = y[copy(row[own.From:own.To], y):]
		all = all[h.Size:]
	}
	n.link.sum(n.wide[:size])
	return n.wide[:size]
}

// anyPart reports whether something is so at any part of the network.
func (n *Net) anyPart(so bool) bool {
	if n.link == nil {
		return so
	}
	x := []float64{0}
	if so {
		x[0] = 1
	}
	n.link.sum64(x)
	return x[0] > 0
}

// wideFloats is what the outputs of all parts and their gradient take.
func wideFloats(c *plan.Cuts, batch int, out data.Shape) int64 {
	if c == nil || c.Head == nil || c.Part == plan.InTurn {
		return 0
	}
	return plan.Product(2, batch, out.Size())
}
