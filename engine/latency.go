package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Latency is about how many seconds an [Inference] of a network takes on one core of a
// machine to predict so many rows at once; a nil machine is the built-in one. The error is
// that of [Measure].
func Latency(l Layer, in data.Shape, c Config, rows int, m *Machine) (float64, error) {
	if m == nil {
		m = BuiltIn()
	}
	w, err := InferenceWork(l, in, c, rows)
	if err != nil {
		return 0, err
	}
	return m.inference(w, rows, c.Precision), nil
}

// InferenceWork is the work of an [Inference] that predicts so many rows at once. The error
// is that of [Measure].
func InferenceWork(l Layer, in data.Shape, c Config, rows int) (sum Work, err error) {
	out, err := fitting(l, in)
	if err != nil {
		return sum, err
	}
	c = c.defaults()
	if err := c.validate(); err != nil {
		return sum, fmt.Errorf("inference: %w", err)
	}
	n := &Net{layer: l, in: in, out: out, cfg: c, level: c.level(), infers: true}
	n.level.Enter()
	defer kernel.Leave()
	one, _, _ := n.forwardPlan(1)
	batch := inferenceBatch(one)
	b, _, _ := n.forwardPlan(batch)
	for left := rows; left > 0; left -= batch {
		at := min(left, batch)
		for i, o := range b.Ops {
			sum.add(inferenceWork(o, b.Used[i], float64(at)), 1)
		}
		sum.Bytes += 8 * float64(at*(in.Size()+out.Size())) // rows are copied in and out
		sum.Passes++
	}
	return sum, nil
}

// inferenceWork is the work of an op of an inference for so many samples.
func inferenceWork(o plan.Op, used [2][]*plan.Block, rows float64) Work {
	w, _ := opWork(o, used, rows)
	w.Singles = rows * singles(o, kernel.Width())
	switch o := o.(type) {
	case *dense:
		narrowed(&w, o.out)
	case *conv1d:
		narrowed(&w, o.oc/o.groups)
	case *conv:
		narrowed(&w, o.oc/o.groups)
		if o.absorbed.pool {
			out := rows * float64(o.oh*o.ow*o.oc)
			w.Bytes += 5 * out
			w.Singles += rows * float64(o.oh*o.ow) * rest(o.oc)
		}
	case *attention:
		if o.steps%kernel.Width() != 0 {
			w.Exps, w.Functions = w.Functions, 0
		}
		w.Packs += rows * float64(o.steps*o.d)
	case *layerNorm:
		if o.channels%kernel.Width() != 0 {
			w.Norms += rows * float64(o.per*o.channels)
			w.Bytes = 0
		}
	}
	return w
}

// narrowed corrects the work of products so many columns wide: in a batch as small as that of
// an inference the last vector of a row takes no longer than the others.
func narrowed(w *Work, columns int) {
	share := float64((columns+15)/16*16) / vectors(columns)
	w.Products, w.Far, w.Outputs = w.Products*share, w.Far*share, w.Outputs*share
}

// rest is how many channels of a pixel are compared one by one, and what it takes to begin
// with them, in as many.
func rest(channels int) float64 {
	if channels %= kernel.Width(); channels > 0 {
		return float64(channels) + 8
	}
	return 0
}

// inferenceBatch is how many rows go through an inference at once.
func inferenceBatch(one *plan.Builder) int {
	return int(min(max(int64(cached)/plan.LayOut(one.Blocks), 1), maxRows))
}
