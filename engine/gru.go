package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/kernel"
)

// GRU is a gated recurrent unit over {steps, features} (Cho et al. 2014), in the
// form of cuDNN and PyTorch: from x of a step and the state h before it,
//
//	r = σ(x·Wᵣ + bᵣ + h·Uᵣ + cᵣ)
//	z = σ(x·W_z + b_z + h·U_z + c_z)
//	n = tanh(x·Wₙ + bₙ + r·(h·Uₙ + cₙ))
//	h = (1 − z)·n + z·h
//
// The first state is 0, the output the state of each step; [LastStep] takes the
// last.
type GRU struct {
	Out  int  // size of the state
	Init Init // of all weights; nil means Kaiming{}
}

// Infer gives {steps, Out}.
func (g GRU) Infer(in data.Shape) (data.Shape, error) {
	if err := sequence(g, in); err != nil {
		return nil, err
	}
	return data.Shape{in[0], g.Out}, sized(g, "size", g.Out, 1)
}

// String is GRU(Out).
func (g GRU) String() string { return fmt.Sprintf("GRU(%d)", g.Out) }

func (g GRU) build(b *builder, x tensor) tensor {
	steps, h := x.shape[0], g.Out
	own := b.layer(g, data.Shape{steps, h}, product(steps, h, 3, h))
	var gates tensor
	b.within("input", func() { gates = Dense{Out: 3 * h, PerStep: true, Init: g.Init}.build(b, x) })
	b.at = own
	o := &gru{gates: gates, steps: steps, h: h}
	b.within("hidden", func() {
		o.w = b.param("weight", initial(g.Init, h, 3*h, 1), h, 3*h)
		o.b = b.param("bias", zeros, 3*h)
	})
	o.y = b.output(gates, data.Shape{steps, h}, true, needValues)
	o.candidate = b.block(data.Shape{steps, h}.Size())
	o.hidden = b.scratch(product(b.batch, 3*h))
	o.carry, o.turned = b.scratch(product(b.batch, h)), b.scratch(o.w.size)
	o.plan(b.batch, b.half)
	o.front, o.back = b.scratch(packSize(&o.product)), b.scratch(packSize(&o.dw[0], &o.dw[1]))
	for i := range o.turns {
		o.turns[i] = b.scratch(packSize(&o.dcarry[i]))
	}
	b.add(o, []*block{gates.data, o.y.data, o.candidate, o.hidden, o.front},
		[]*block{gates.data, gates.grad, o.y.data, o.y.grad, o.candidate, o.carry, o.turned, o.back, o.turns[0], o.turns[1]})
	return o.y
}

// gru is the op of GRU behind the linear layer of its input. The gates (r, z, n
// of each step, one behind the other) come in as that layer's output and are
// replaced by what they are.
type gru struct {
	gates, y  tensor
	steps, h  int
	w, b      *param // of the state: h × 3·h
	candidate *block // h·Uₙ + cₙ of each step; in backward its gradient
	hidden    *block // h·U + c of one step of the batch
	carry     *block // gradient of the state of one step of the batch
	turned    *block // U transposed

	front, back *block    // scratch of product and dw
	turns       [2]*block // scratch of dcarry, in which the rounded weights stay

	product    kernel.Gemm
	dcarry, dw [2]kernel.Gemm // of r and z, and of n
}

// plan sets the dimensions of the products, the rows of which are steps·h or
// steps·3·h apart in the batch.
func (o *gru) plan(batch int, half kernel.Format) {
	t, h := o.steps, o.h
	o.product = kernel.Gemm{M: batch, N: 3 * h, K: h, RowA: t * h, ColA: 1, RowB: 3 * h, RowC: 3 * h}
	o.dcarry[0] = kernel.Gemm{M: batch, N: h, K: 2 * h, RowA: t * 3 * h, ColA: 1, RowB: h, RowC: h, Add: true}
	o.dcarry[1] = kernel.Gemm{M: batch, N: h, K: h, RowA: t * h, ColA: 1, RowB: h, RowC: h, Add: true}
	o.dw[0] = kernel.Gemm{M: h, N: 2 * h, K: t - 1, RowA: 1, ColA: h, RowB: 3 * h, RowC: 3 * h}
	o.dw[1] = kernel.Gemm{M: h, N: h, K: t - 1, RowA: 1, ColA: h, RowB: h, RowC: 3 * h}
	for _, g := range []*kernel.Gemm{&o.product, &o.dcarry[0], &o.dcarry[1], &o.dw[0], &o.dw[1]} {
		g.Half = half
	}
}

func (o *gru) Bind() {
	pack(o.front, &o.product)
	pack(o.back, &o.dw[0], &o.dw[1])
	for i := range o.turns {
		pack(o.turns[i], &o.dcarry[i])
	}
	o.product.B, o.product.C, o.product.Bias = o.w.w, o.hidden.data, o.b.w
	o.dcarry[0].B, o.dcarry[0].C = o.turned.data, o.carry.data
	o.dcarry[1].B, o.dcarry[1].C = o.turned.data[2*o.h*o.h:], o.carry.data
	o.dw[0].C, o.dw[1].C = o.w.g, o.w.g[2*o.h:]
}

// at is the state of a step in the sequence of a row, and what else has its size.
func (o *gru) at(b *block, row, step int) []float32 {
	i := (row*o.steps + step) * o.h
	return b.data[i : i+o.h]
}

// before is the state before a step, nil for zeros.
func (o *gru) before(row, step int) []float32 {
	if step == 0 {
		return nil
	}
	return o.at(o.y.data, row, step-1)
}

func (o *gru) Forward(p pass) {
	h := o.h
	for t := range o.steps {
		if t > 0 {
			o.product.M, o.product.A, o.product.SameB = p.rows, o.y.data.data[(t-1)*h:], t > 1
			o.product.Run()
		}
		for i := range p.rows {
			hidden := o.b.w
			if t > 0 {
				hidden = o.hidden.data[i*3*h : (i+1)*3*h]
			}
			copy(o.at(o.candidate, i, t), hidden[2*h:])
			at := (i*o.steps + t) * 3 * h
			kernel.GRUCell(o.at(o.y.data, i, t), o.gates.data.data[at:at+3*h], hidden, o.before(i, t))
		}
	}
}

func (o *gru) Backward(p pass) {
	h := o.h
	kernel.Transpose(o.turned.data, h, o.w.w, 3*h, h, 3*h)
	gates, dgates, dy := o.gates.data.data, o.gates.grad.data, o.y.grad
	clear(o.carry.data[:p.rows*h])
	for t := o.steps - 1; t >= 0; t-- {
		for i := range p.rows {
			carry, d := o.carry.data[i*h:(i+1)*h], o.at(dy, i, t)
			kernel.Add(d, carry)
			at := (i*o.steps + t) * 3 * h
			kernel.GRUCellBack(dgates[at:at+3*h], carry, o.at(o.candidate, i, t), d, gates[at:at+3*h], o.before(i, t))
		}
		o.dcarry[0].A, o.dcarry[1].A = dgates[t*3*h:], o.candidate.data[t*h:]
		for i := range o.dcarry {
			g := &o.dcarry[i]
			g.M, g.SameB = p.rows, t < o.steps-1
			g.Run()
		}
	}
	o.weights(p.rows)
}

// weights computes the gradients of U and c. The first step has no state before
// it.
func (o *gru) weights(rows int) {
	h, d := o.h, o.gates.grad.data
	for i := range rows {
		at := i * o.steps * h
		o.dw[0].B, o.dw[1].B = d[3*(at+h):], o.candidate.data[at+h:]
		for q := range o.dw {
			o.dw[q].A, o.dw[q].Add = o.y.data.data[at:], i > 0
			o.dw[q].Run()
		}
	}
	kernel.ColSum(o.b.g, d, rows*o.steps, 3*h)
	kernel.ColSum(o.b.g[2*h:], o.candidate.data, rows*o.steps, h)
}
