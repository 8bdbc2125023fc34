package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// Recompute says which activations are computed a second time in the backward pass
// instead of being kept for it (Chen et al. 2016). It changes no bit: random choices
// follow from keys, and running statistics move once.
type Recompute string

// What is computed again. A block is a layer of the network's [Seq] that does products
// or has layers of its own, with the activations, norms and pools behind it.
const (
	RecomputeNone   Recompute = ""       // nothing
	RecomputeBlocks Recompute = "blocks" // each block, from its input
	RecomputeAll    Recompute = "all"    // a whole stage of a pipeline, from its input; of a network that is one stage, nothing
)

func (r Recompute) validate() error {
	switch r {
	case RecomputeNone, RecomputeBlocks, RecomputeAll:
		return nil
	}
	return fmt.Errorf("recompute %q: there are blocks and all", string(r))
}

// builder is the function that builds a network whose blocks are computed again. What is
// right before the loss is not: it would be at once.
func (r Recompute) builder(l Layer) func(*plan.Builder, plan.Tensor) plan.Tensor {
	if r != RecomputeBlocks {
		return l.build
	}
	links := chain(l)
	starts := segments(links)
	return func(b *plan.Builder, x plan.Tensor) plan.Tensor {
		for i, end := range starts[1:] {
			from, in := len(b.Ops), x
			in.Need = plan.NeedValues
			x = buildChain(b, links[starts[i]:end], in)
			if end < len(links) {
				b.Again(from, in.Data, x.Data)
			}
			b.Join(x)
		}
		return x
	}
}

// plan makes the plan of the network for batches of so many rows.
func (n *Net) planFor(batch int) (*plan.Builder, plan.Tensor, plan.Tensor) {
	if n.stage != nil {
		return n.stage.plan(&n.cfg, n.cuts, n.recompute)
	}
	if n.infers {
		return n.forwardPlan(batch)
	}
	build := building(n.recompute.builder(n.layer), n.cuts)
	return plan.New(n.in, batch, n.cfg.Precision.format(), func(b *plan.Builder, x plan.Tensor) plan.Tensor {
		y := build(b, x)
		if y.Grad == nil && n.cfg.Inference {
			y.Grad = b.Block(y.Shape.Size()) // an evaluation writes there
		}
		return y
	})
}

// recomputing plans the network anew, for other activations to be computed again. Its
// numbers stay as they are, in new memory. The level of n is the current one.
func (n *Net) recomputing(r Recompute) error {
	if n.recompute == r {
		return nil
	}
	was := *n
	n.recompute = r
	n.plan, n.x, n.y = n.planFor(n.cfg.Batch)
	if err := n.allocate(); err != nil {
		*n = was
		return err
	}
	copy(n.params, was.params)
	copy(n.stats, was.stats)
	copy(n.tables, was.tables)
	return nil
}

// outline plans a network for its costs alone.
func outline(l Layer, in data.Shape, batch int, c *Config, r Recompute, cuts *plan.Cuts, see func(b *plan.Builder, out plan.Tensor)) {
	plan.Outline(in, batch, c.Precision.format(), r != RecomputeNone, building(r.builder(l), cuts), see)
}
