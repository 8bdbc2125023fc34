package engine

import (
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Attention is multi-head self-attention over {steps, features} (Vaswani et al.
// 2017, section 3.2): queries, keys and values are linear in each step, each
// head of features/Heads computes softmax(Q·Kᵀ/√(features/Heads))·V, and the
// heads together go through one more linear layer. The output has the shape of
// the input.
type Attention struct {
	Heads    int  // divides the features if there is no HeadSize; 0 means 1
	HeadSize int  // features of each head, of queries, keys and values alike; 0 means features/Heads
	Causal   bool // a step sees itself and the steps before it alone
	NoBias   bool
	Init     Init // of all weights; nil means Kaiming{}
}

// Infer gives the input shape.
func (a Attention) Infer(in data.Shape) (data.Shape, error) {
	if err := sequence(a, in); err != nil {
		return nil, err
	}
	if err := sized(a, "heads", a.Heads, 0); err != nil {
		return nil, err
	}
	if err := sized(a, "head size", a.HeadSize, 0); err != nil {
		return nil, err
	}
	h := max(a.Heads, 1)
	if a.HeadSize > 0 {
		return in, sized(a, "width of all heads", h*a.HeadSize, 1)
	}
	if in[1]%h != 0 {
		return nil, fmt.Errorf("%v: %d heads do not divide the %d features of %v evenly", a, h, in[1], in)
	}
	return in, nil
}

// String is Attention(Heads), with the size of a head and causal where they are.
func (a Attention) String() string {
	s := fmt.Sprintf("Attention(%d", max(a.Heads, 1))
	if a.HeadSize > 0 {
		s += fmt.Sprintf(" of %d", a.HeadSize)
	}
	if a.Causal {
		s += ", causal"
	}
	return s + ")"
}

// Width is the features of all heads together, for so many features of a step.
func (a Attention) Width(features int) int {
	if a.HeadSize > 0 {
		return max(a.Heads, 1) * a.HeadSize
	}
	return features
}

func (a Attention) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	steps, features := x.Shape[0], x.Shape[1]
	width := a.Width(features)
	heads, d, part := max(a.Heads, 1), width, max(a.Heads, 1)
	if c := b.Cut(); c != nil {
		part /= b.Cuts.Parts
		if b.Own(c) != nil { // some of the heads
			heads, d = part, d/b.Cuts.Parts
		}
	}
	own := b.Layer(a, x.Shape, plan.Product(2, steps, steps, d))
	var qkv plan.Tensor
	b.Within("qkv", func() {
		qkv = Dense{Out: 3 * width, PerStep: true, NoBias: a.NoBias, Init: a.Init}.build(b, x)
	})
	b.At = own
	o := &attention{qkv: qkv, steps: steps, d: d, heads: heads, part: part, causal: a.Causal, weights: b.Block(data.Shape{heads, steps, steps}.Size())}
	o.y = b.Output(qkv, b.Shape(steps, d), false, plan.NeedNothing)
	o.plan(b.Half)
	o.slopes = b.Scratch(plan.Product(heads, steps, steps))
	o.front, o.back = b.Scratch(packSize(&o.scores, &o.mix)), b.Scratch(packSize(&o.dweights, &o.dv, &o.dq, &o.dkeys))
	b.Add(o, []*plan.Block{qkv.Data, o.y.Data, o.weights, o.front}, []*plan.Block{qkv.Data, qkv.Grad, o.y.Grad, o.weights, o.slopes, o.back})
	var y plan.Tensor
	b.Within("out", func() {
		y = Dense{Out: features, PerStep: true, NoBias: a.NoBias, Init: a.Init}.build(b, o.y)
	})
	return y
}

// attention is the op between the linear layers of Attention. A row of qkv holds
// the queries of all heads, then their keys, then their values.
type attention struct {
	qkv, y          plan.Tensor
	steps, d, heads int
	part            int // heads whose weights are computed at once: those of a part, for exp has other last bits at the end of a vector
	causal          bool
	weights         *plan.Block // softmax of the scores: heads × steps × steps of each sample
	slopes          *plan.Block // gradient of the scores of one sample
	front, back     *plan.Block // scratch of the products

	scores, mix             kernel.Gemm // Q·Kᵀ, weights·V
	dweights, dv, dq, dkeys kernel.Gemm
}

// plan sets the dimensions of the products, all of one head of one sample.
func (o *attention) plan(half kernel.Format) {
	t, h, row := o.steps, o.d/o.heads, 3*o.d
	o.scores = kernel.Gemm{M: t, N: t, K: h, RowA: row, ColA: 1, RowB: 1, ColB: row, RowC: t}
	o.mix = kernel.Gemm{M: t, N: h, K: t, RowA: t, ColA: 1, RowB: row, RowC: o.d}
	o.dweights = kernel.Gemm{M: t, N: t, K: h, RowA: o.d, ColA: 1, RowB: 1, ColB: row, RowC: t}
	o.dv = kernel.Gemm{M: t, N: h, K: t, RowA: 1, ColA: t, RowB: o.d, RowC: row}
	o.dq = kernel.Gemm{M: t, N: h, K: t, RowA: t, ColA: 1, RowB: row, RowC: row}
	o.dkeys = kernel.Gemm{M: t, N: h, K: t, RowA: 1, ColA: t, RowB: row, RowC: row}
	for _, g := range []*kernel.Gemm{&o.scores, &o.mix, &o.dweights, &o.dv, &o.dq, &o.dkeys} {
		g.Half = half
	}
}

func (o *attention) Bind() {
	pack(o.front, &o.scores, &o.mix)
	pack(o.back, &o.dweights, &o.dv, &o.dq, &o.dkeys)
}

// scale divides the scores, so that their variance does not grow with the size
// of a head.
func (o *attention) scale() float32 { return float32(1 / math.Sqrt(float64(o.d/o.heads))) }

func (o *attention) Forward(p plan.Pass) {
	t, h, square := o.steps, o.d/o.heads, o.steps*o.steps
	for i := range p.Rows {
		qkv, y := o.qkv.Data.Floats[i*3*o.d*t:(i+1)*3*o.d*t], o.y.Data.Floats[i*o.d*t:]
		w := o.weights.Floats[i*o.heads*square : (i+1)*o.heads*square]
		for q := range o.heads {
			g := &o.scores
			g.A, g.B, g.C = qkv[q*h:], qkv[o.d+q*h:], w[q*square:]
			g.Run()
		}
		for q := 0; q < o.heads; q += o.part {
			s := w[q*square : (q+o.part)*square]
			kernel.Softmax(s, s, o.part*t, t, o.scale(), o.causal)
		}
		for q := range o.heads {
			g := &o.mix
			g.A, g.B, g.C = w[q*square:], qkv[2*o.d+q*h:], y[q*h:]
			g.Run()
		}
	}
}

func (o *attention) Backward(p plan.Pass) {
	t, h, square := o.steps, o.d/o.heads, o.steps*o.steps
	slopes := o.slopes.Floats
	for i := range p.Rows {
		at := i * 3 * o.d * t
		qkv, d := o.qkv.Data.Floats[at:at+3*o.d*t], o.qkv.Grad.Floats[at:at+3*o.d*t]
		dy := o.y.Grad.Floats[i*o.d*t:]
		w := o.weights.Floats[i*o.heads*square : (i+1)*o.heads*square]
		for q := range o.heads {
			g := &o.dweights
			g.A, g.B, g.C = dy[q*h:], qkv[2*o.d+q*h:], slopes[q*square:]
			g.Run()
			g = &o.dv
			g.A, g.B, g.C = w[q*square:], dy[q*h:], d[2*o.d+q*h:]
			g.Run()
		}
		kernel.SoftmaxBack(slopes, slopes, w, o.heads*t, t, o.scale())
		for q := range o.heads {
			g := &o.dq
			g.A, g.B, g.C = slopes[q*square:], qkv[o.d+q*h:], d[q*h:]
			g.Run()
			g = &o.dkeys
			g.A, g.B, g.C = slopes[q*square:], qkv[q*h:], d[o.d+q*h:]
			g.Run()
		}
	}
}
