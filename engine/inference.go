package engine

import (
	"errors"
	"fmt"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Inference computes what a trained network predicts, and nothing else. Batch norms are
// folded into the layer before them, ReLU and maxima of windows are computed along with
// it, memory is used again as soon as no layer reads it any more, and as many rows go
// through together as stay in the cache of the processor. It belongs to one goroutine at
// a time.
//
// Its outputs are those of [Net.Predict] up to rounding. Scores that are recorded during
// training and at its end are of the network itself, with the norms as they are: their
// bits stay what they were, and training goes on with these norms.
type Inference struct{ net *Net } // with a plan of the forward pass alone

// cached is the memory of values, in floats, that a batch of an inference may take: about
// half of a second-level cache.
const cached = 128 << 10

// maxRows is the largest batch of an inference.
const maxRows = 64

// Inference makes an inference with the weights that the network has now.
func (n *Net) Inference() (*Inference, error) {
	switch {
	case n.err != nil:
		return nil, n.err
	case n.cuts != nil || n.stage != nil || n.params == nil:
		return nil, errors.New("inference: the network is in pieces on several ranks")
	}
	m := &Net{layer: n.layer, in: n.in, out: n.out, cfg: n.cfg, level: n.level, infers: true, idle: n.idle, room: n.room, eager: n.eager}
	n.level.Enter()
	defer kernel.Leave()
	one, _, _ := m.forwardPlan(1)
	m.cfg.Batch = inferenceBatch(one)
	m.plan, m.x, m.y = m.forwardPlan(m.cfg.Batch)
	if err := m.allocateForward(); err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	if err := m.take(n); err != nil {
		return nil, fmt.Errorf("inference: %w", err)
	}
	return &Inference{m}, nil
}

// Predict writes the outputs for any number of rows, as [Net.Predict] does, on the cores
// that the network may borrow, too.
func (i *Inference) Predict(x, out []float32) error { return i.net.Predict(x, out) }

// forwardPlan plans the forward pass of inference.
func (n *Net) forwardPlan(batch int) (*plan.Builder, plan.Tensor, plan.Tensor) {
	return plan.New(n.in, batch, n.cfg.Precision.format(), func(b *plan.Builder, x plan.Tensor) plan.Tensor {
		b.Infer = true
		return n.layer.build(b, x)
	})
}

// allocateForward makes the arena of a forward plan: parameters, statistics, tables and
// values.
func (n *Net) allocateForward() error {
	params, stats, tables := plan.Total(n.plan.Params), plan.Total(n.plan.Stats), plan.Total(n.plan.Tables)
	all := plan.Plus(plan.Plus(plan.Aligned(params), plan.Aligned(stats)), plan.Plus(plan.Aligned(tables), plan.LayOut(n.plan.Blocks)))
	if all > maxArena {
		return fmt.Errorf("the network needs %s, the limit is %s", memory(inBytes(all)), memory(inBytes(maxArena)))
	}
	n.arena = kernel.Floats(int(all))
	at := n.arena
	take := func(size int64) []float32 {
		s := at[:size:size]
		at = at[plan.Aligned(size):]
		return s
	}
	n.params, n.stats, n.tables = take(params), take(stats), take(tables)
	share(n.plan.Params, n.params, func(p *plan.Param, w []float32) { p.W = w })
	share(n.plan.Stats, n.stats, func(p *plan.Param, w []float32) { p.W = w })
	share(n.plan.Tables, n.tables, func(p *plan.Param, w []float32) { p.W = w })
	n.plan.Bind(at)
	return nil
}

// take copies the tensors of another network by their names, and folds norms.
func (n *Net) take(from *Net) error {
	copyNamed := func(to, from []*plan.Param) error {
		known := make(map[string]*plan.Param, len(from))
		for _, p := range from {
			known[p.Name] = p
		}
		for _, p := range to {
			q := known[p.Name]
			switch {
			case p.Name == "": // of the plan alone, and 0
			case q == nil || len(q.W) != len(p.W):
				return fmt.Errorf("tensor %s: the network has none of this size", p.Name)
			default:
				copy(p.W, q.W)
			}
		}
		return nil
	}
	if err := errors.Join(copyNamed(n.plan.Params, from.plan.Params), copyNamed(n.plan.Stats, from.plan.Stats)); err != nil {
		return err
	}
	for _, t := range n.plan.Tables {
		t.First.Fill(nil, t.W)
	}
	for _, o := range n.plan.Ops {
		if f, ok := o.(folder); ok {
			f.fold()
		}
	}
	return nil
}
