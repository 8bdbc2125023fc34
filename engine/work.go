package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Work is what there is to do, in kinds of which each takes a time of its own on a
// machine. The same type holds the seconds that one of each kind takes there: see
// [Machine].
type Work struct {
	Products  float64 `json:"products"`  // operations of products of matrices, two a multiply-add
	Far       float64 `json:"far"`       // of these, those whose matrices are larger than a core's own cache
	Outputs   float64 `json:"outputs"`   // values that products write
	Operands  float64 `json:"operands"`  // values that products read, each once
	Calls     float64 `json:"calls"`     // products, and other small steps
	Bytes     float64 `json:"bytes"`     // that everything else reads or writes
	Functions float64 `json:"functions"` // exponentials and their like
	Singles   float64 `json:"singles"`   // values of windows that are compared one by one, for their channels fill no vector
	Ops       float64 `json:"ops"`       // of the plan, in either direction
	Rows      float64 `json:"rows"`      // bytes of the rows that are gathered for a batch
	Losses    float64 `json:"losses"`    // micro-batches whose loss is computed

	Exps   float64 `json:"exps,omitempty"`   // in inference: values of a softmax whose rows fill no vectors
	Norms  float64 `json:"norms,omitempty"`  // in inference: values of a layer norm whose rows fill no vectors
	Packs  float64 `json:"packs,omitempty"`  // in inference: values that are turned before a product
	Passes float64 `json:"passes,omitempty"` // in inference: rows that go through at once
}

// kinds are the amounts of all kinds, in their order.
func (w *Work) kinds() [15]*float64 {
	return [...]*float64{&w.Products, &w.Far, &w.Outputs, &w.Operands, &w.Calls, &w.Bytes, &w.Functions, &w.Singles, &w.Ops, &w.Rows, &w.Losses, &w.Exps, &w.Norms, &w.Packs, &w.Passes}
}

// Kinds are the amounts of all kinds, in their order.
func (w Work) Kinds() (out []float64) {
	for _, x := range w.kinds() {
		out = append(out, *x)
	}
	return out
}

// WorkOf is the opposite of [Work.Kinds].
func WorkOf(kinds []float64) (w Work) {
	for i, x := range w.kinds() {
		if i < len(kinds) {
			*x = kinds[i]
		}
	}
	return w
}

// add adds n times some work.
func (w *Work) add(o Work, n float64) {
	to := w.kinds()
	for i, x := range o.kinds() {
		*to[i] += n * *x
	}
}

// Time is the seconds of the work, each kind of which takes so many seconds.
func (w Work) Time(each Work) (t float64) {
	of := each.kinds()
	for i, x := range w.kinds() {
		t += *x * *of[i]
	}
	return t
}

// productWork is the work of a product of rows·m × k with k×n values; rows are samples, or
// 1 for a product of one.
func productWork(m, n, k int, rows float64) Work {
	return matrixWork(float64(m)*rows, vectors(n), float64(k))
}

// acrossWork is [productWork] where the samples are the inner dimension, as in a gradient of
// weights.
func acrossWork(m, n, k int, rows float64) Work {
	return matrixWork(float64(m), vectors(n), float64(k)*rows)
}

func matrixWork(m, n, k float64) Work {
	w := Work{Products: 2 * m * n * k, Outputs: m * n, Operands: k * (m + n), Calls: 1}
	if 4*(m*k+k*n+m*n) > ownCache {
		w.Far = w.Products
	}
	return w
}

// ownCache is the bytes of a core's own cache, about.
const ownCache = 512 << 10

// vectors is the width of a product that takes as long and is made of whole vectors of
// 16: the last one of a width that is no multiple of 8 takes as long as two.
func vectors(n int) float64 {
	wide := float64(n / 16 * 16)
	switch rest := n % 16; {
	case rest == 8:
		wide += 16
	case rest != 0:
		wide += 32
	}
	return wide
}

// opWork is the work of an op for so many samples, forward and backward.
func opWork(o plan.Op, used [2][]*plan.Block, rows float64) (forward, backward Work) {
	forward.Ops, backward.Ops = 1, 1
	switch o := o.(type) {
	case *dense:
		forward.add(productWork(o.per, o.out, o.in, rows), 1)
		backward.add(acrossWork(o.in, o.out, o.per, rows), 1)
		backward.Bytes += 4 * rows * float64(o.per*o.out)
		if o.relu {
			backward.Bytes += 12 * rows * float64(o.per*o.out)
		}
		if o.x.Grad != nil {
			backward.add(productWork(o.per, o.in, o.out, rows), 1)
		}
	case *conv:
		o.work(&forward, &backward, rows)
	case *conv1d:
		o.work(&forward, &backward, rows)
	case *attention:
		t, h, n := o.steps, o.d/o.heads, rows*float64(o.heads)
		forward.add(productWork(t, t, h, 1), n)
		forward.add(productWork(t, h, t, 1), n)
		backward.add(productWork(t, t, h, 1), n)
		backward.add(productWork(t, h, t, 1), 3*n)
		forward.Functions += n * float64(t*t)
		backward.Bytes += 12 * n * float64(t*t)
	case *gru:
		t, h := o.steps, o.h
		forward.add(productWork(1, 3*h, h, rows), float64(t-1))
		backward.add(productWork(1, h, 2*h, rows), float64(t))
		backward.add(productWork(1, h, h, rows), float64(t))
		backward.add(productWork(h, 2*h, t-1, 1), rows)
		backward.add(productWork(h, h, t-1, 1), rows)
		forward.Calls += rows * float64(t) // each step of each sample by itself
		backward.Calls += rows * float64(t)
		forward.Functions += 3 * rows * float64(t*h)
		forward.Bytes += 40 * rows * float64(t*h)
		backward.Bytes += 80 * rows * float64(t*h)
	default:
		forward.Bytes, backward.Bytes = rows*touched(used[0]), rows*touched(used[1])
		forward.Singles = rows * singles(o, 8)
		backward.Singles = 2 * forward.Singles
		if a, ok := o.(*activation); ok && a.costly() {
			n := rows * float64(a.y.Shape.Size())
			forward.Functions, backward.Functions = n, n
		}
	}
	return forward, backward
}

// singles is the values of a sample that an op compares one by one, where vectors are of so
// many floats.
func singles(o plan.Op, vector int) float64 {
	var in data.Shape
	switch o := o.(type) {
	case *batchNorm:
		if !o.pooled() {
			return 0
		}
		in = o.x.Shape
	case *pool:
		in = o.x.Shape
	default:
		return 0
	}
	return float64(in.Size() / in[len(in)-1] * (in[len(in)-1] % vector))
}

// touched is the bytes of one sample in some blocks.
func touched(blocks []*plan.Block) (n float64) {
	for _, k := range blocks {
		if k != nil {
			n += 4 * float64(k.Sample)
		}
	}
	return n
}

// work of a convolution: an image is a product for each row of outputs, and one for
// each row of its window.
func (o *conv) work(forward, backward *Work, rows float64) {
	in, out := rows*float64(o.h*o.wide*o.c), rows*float64(o.oh*o.ow*o.oc)
	per, perOut, g := o.c/o.groups, o.oc/o.groups, rows*float64(o.groups)
	if o.padded() {
		forward.Bytes += 8 * in
		backward.Bytes += 8 * in
	}
	if o.relu {
		backward.Bytes += 12 * out
	}
	if o.b != nil {
		backward.Bytes += 4 * out
	}
	if o.x.Grad != nil {
		backward.Bytes += 8 * in
	}
	switch {
	case o.depthwise():
		taps := float64(o.kh * o.kw)
		forward.Bytes += 4 * taps * out
		backward.Bytes += 8 * taps * out
		return
	case o.pointwise():
		forward.add(productWork(o.oh*o.ow, o.oc, o.c, rows), 1)
	case o.whole():
		forward.add(productWork(o.ow, o.oc, o.kh*o.kw*o.c, 1), rows*float64(o.oh))
	default:
		forward.add(productWork(o.ow, perOut, o.kw*per, 1), g*float64(o.oh*o.kh))
	}
	if o.whole() {
		backward.add(productWork(o.kw*o.c, o.oc, o.oh*o.ow, 1), rows*float64(o.kh))
	} else {
		backward.add(productWork(per, perOut, o.oh*o.ow, 1), g*float64(o.kh*o.kw))
	}
	switch {
	case o.x.Grad == nil:
	case o.turns() && o.kh == 1 && o.kw == 1:
		backward.add(productWork(o.h*o.wide, o.c, o.oc, 1), rows)
	case o.turns():
		backward.add(productWork(o.wide, o.c, o.kh*o.kw*o.oc, 1), rows*float64(o.h))
	default:
		backward.add(productWork(o.ow, per, perOut, 1), g*float64(o.oh*o.kh*o.kw))
	}
}

// work of a convolution over steps.
func (o *conv1d) work(forward, backward *Work, rows float64) {
	in, out := rows*float64(o.steps*o.c), rows*float64(o.ot*o.oc)
	per, perOut, g := o.c/o.groups, o.oc/o.groups, rows*float64(o.groups)
	forward.Bytes += 8 * in
	backward.Bytes += 16*in + 12*out
	if o.depthwise() {
		forward.Bytes += 4 * float64(o.k) * out
		backward.Bytes += 8 * float64(o.k) * out
		return
	}
	forward.add(productWork(o.ot, perOut, o.k*per, 1), g)
	backward.add(productWork(per, perOut, o.ot, 1), g*float64(o.k))
	if o.x.Grad != nil {
		backward.add(productWork(o.ot, per, perOut, 1), g*float64(o.k))
	}
}

// layerWork is the work of a piece of a network: once for a micro-batch, and for each
// of its samples.
type layerWork struct {
	forward, backward [2]Work
}

// works are the works of the rows of a plan, for micro-batches of about so many samples.
func works(b *plan.Builder, rows int) []layerWork {
	n := float64(max(rows, 1))
	out := make([]layerWork, len(b.Rows))
	for i, o := range b.Ops {
		l := &out[b.Owner[i]]
		f0, b0 := opWork(o, b.Used[i], 0)
		f1, b1 := opWork(o, b.Used[i], n)
		l.forward[0].add(f0, 1)
		l.backward[0].add(b0, 1)
		f1.add(f0, -1)
		b1.add(b0, -1)
		l.forward[1].add(f1, 1/n)
		l.backward[1].add(b1, 1/n)
	}
	return out
}

// feedWork is what a batch takes beside the network: its rows are gathered, and the
// loss of its outputs is computed, with their gradient.
func feedWork(in, out data.Shape, c *Config) (w layerWork) {
	w.forward[1].Rows = 8 * (float64(in.Size()) + float64(c.targets(out))/float64(c.Batch))
	w.backward[0].Losses = 1
	w.backward[1].Functions = float64(out.Size())
	w.backward[1].Bytes = 12 * float64(out.Size())
	return w
}

// StepWork is the work of a training step's forward and backward passes, with the rows
// of a step cut as the mesh of t says, and all of them computed in turn; without the
// optimizer's part. The error is that of [Measure].
func StepWork(l Layer, in data.Shape, c Config, t TrainConfig) (Work, error) {
	out, err := fitting(l, in)
	if err != nil {
		return Work{}, err
	}
	c = c.defaults()
	if err := c.validate(); err != nil {
		return Work{}, err
	}
	c.level().Enter()
	defer kernel.Leave()
	b, _, _ := plan.New(in, c.Batch, c.Precision.format(), l.build)
	var sum Work
	leaves, rows := float64(t.leaves()), float64(max(t.Accumulate, 1)*c.Batch)
	for _, w := range append(works(b, t.microRows(c.Batch)), feedWork(in, out, &c)) {
		for _, d := range [...][2]Work{w.forward, w.backward} {
			sum.add(d[0], leaves)
			sum.add(d[1], rows)
		}
	}
	return sum, nil
}
