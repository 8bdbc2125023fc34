package engine

import (
	"cmp"
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Gradient runs the first batch of a set forward and backward, as a training
// step does, and leaves the gradient in [Net.Grads]. Weights stay as they are;
// the running statistics of normalisations move.
func (n *Net) Gradient(s *data.Set) (loss float64, err error) {
	if err := cmp.Or(n.isStage(), n.check(s)); err != nil {
		return math.NaN(), fmt.Errorf("gradient: %w", err)
	}
	rows := min(s.Len(), n.cfg.Batch)
	order := make([]int32, rows)
	for i := range order {
		order[i] = int32(i)
	}
	n.level.Enter()
	defer kernel.Leave()
	sum, weight := n.step(plan.Pass{Rows: rows, Train: true}, n.gather(s, order), 1)
	return sum / weight, nil
}

// Backward runs at most a batch of rows forward, in inference mode, and backward
// from a gradient of the outputs, and leaves the gradient in [Net.Grads]. It is
// for networks without [BatchNorm] and [Dropout].
func (n *Net) Backward(x, dy []float32) error {
	in, out := n.in.Size(), n.out.Size()
	rows := len(x) / in
	if n.err != nil {
		return n.err
	}
	if err := n.isPart(); err != nil {
		return fmt.Errorf("backward: %w", err)
	}
	if rows < 1 || rows > n.cfg.Batch || len(x) != rows*in || len(dy) != rows*out {
		return fmt.Errorf("backward: %d inputs and %d gradients are not up to %d rows of %v and %v", len(x), len(dy), n.cfg.Batch, n.in, n.out)
	}
	n.level.Enter()
	defer kernel.Leave()
	p := plan.Pass{Rows: rows}
	copy(n.x.Data.Floats, x)
	n.forward(p)
	copy(n.y.Grad.Floats, dy)
	n.backward(p)
	return nil
}

// Watch runs at most a batch of rows forward, in inference mode, and shows the
// output of every layer: its name and one row of values after the other. The
// values are good until see returns.
func (n *Net) Watch(x []float32, see func(layer string, out []float32)) error {
	if err := n.isStage(); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	if n.err != nil {
		return n.err
	}
	rows := len(x) / n.in.Size()
	if rows < 1 || rows > n.cfg.Batch || len(x) != rows*n.in.Size() {
		return fmt.Errorf("watch: %d inputs are not up to %d rows of %v", len(x), n.cfg.Batch, n.in)
	}
	copy(n.x.Data.Floats, x)
	left := make([]int, len(n.plan.Rows)) // ops of each layer that are still to run
	for _, r := range n.plan.Owner {
		left[r]++
	}
	for i, o := range n.plan.Ops {
		n.level.Enter()
		o.Forward(plan.Pass{Rows: rows})
		kernel.Leave()
		at := n.plan.Owner[i]
		if left[at]--; left[at] > 0 || n.plan.Rows[at].Data == nil {
			continue
		}
		r := n.plan.Rows[at]
		out := r.Data.Floats[:rows*r.Out.Size()]
		see(r.Layer, out)
		if at+1 < len(n.plan.Rows) && n.plan.Rows[at+1].Note == "in the layer above" {
			see(n.plan.Rows[at+1].Layer, out)
		}
	}
	return nil
}

// Inputs runs at most a batch of rows forward, in inference mode, and shows what each
// [Dense], [Conv] and [Conv1D], and each such layer within another, multiplies with
// its weights: the name of these and the input, one row after the other. The values
// are good until see returns.
func (n *Net) Inputs(x []float32, see func(weight string, in []float32)) error {
	if err := n.isStage(); err != nil {
		return fmt.Errorf("inputs: %w", err)
	}
	if n.err != nil {
		return n.err
	}
	rows := len(x) / n.in.Size()
	if rows < 1 || rows > n.cfg.Batch || len(x) != rows*n.in.Size() {
		return fmt.Errorf("inputs: %d inputs are not up to %d rows of %v", len(x), n.cfg.Batch, n.in)
	}
	copy(n.x.Data.Floats, x)
	for _, o := range n.plan.Ops {
		if l, ok := o.(linear); ok {
			w, in := l.operands()
			see(w.Name, in.Data.Floats[:rows*in.Shape.Size()])
		}
		n.level.Enter()
		o.Forward(plan.Pass{Rows: rows})
		kernel.Leave()
	}
	return nil
}

// linear is an op that multiplies its input with weights.
type linear interface {
	operands() (w *plan.Param, x plan.Tensor)
}

func (o *dense) operands() (*plan.Param, plan.Tensor)  { return o.w, o.x }
func (o *conv) operands() (*plan.Param, plan.Tensor)   { return o.w, o.x }
func (o *conv1d) operands() (*plan.Param, plan.Tensor) { return o.w, o.x }
