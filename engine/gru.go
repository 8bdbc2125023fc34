package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
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

func (g GRU) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	steps, h := x.Shape[0], g.Out
	own := b.Layer(g, data.Shape{steps, h}, plan.Product(steps, h, 3, h))
	var gates plan.Tensor
	b.Within("input", func() { gates = Dense{Out: 3 * h, PerStep: true, Init: g.Init}.build(b, x) })
	b.At = own
	o := &gru{gates: gates, steps: steps, h: h}
	b.Within("hidden", func() {
		o.w = b.Param("weight", initial(g.Init, h, 3*h, 1), h, 3*h)
		o.b = b.Param("bias", zeros, 3*h)
	})
	o.y = b.Output(gates, data.Shape{steps, h}, true, plan.NeedValues)
	o.candidate = b.Block(data.Shape{steps, h}.Size())
	kept := o.candidate // for the backward pass
	if b.Infer {
		kept = nil
	}
	o.hidden = b.Scratch(plan.Product(b.Batch, 3*h))
	o.carry, o.turned = b.Scratch(plan.Product(b.Batch, h)), b.Scratch(o.w.Size)
	o.plan(b.Batch, b.Half)
	o.front, o.back = b.Scratch(packSize(&o.product)), b.Scratch(packSize(&o.dw[0], &o.dw[1]))
	for i := range o.turns {
		o.turns[i] = b.Scratch(packSize(&o.dcarry[i]))
	}
	b.Add(o, []*plan.Block{gates.Data, o.y.Data, kept, o.hidden, o.front},
		[]*plan.Block{gates.Data, gates.Grad, o.y.Data, o.y.Grad, o.candidate, o.carry, o.turned, o.back, o.turns[0], o.turns[1]})
	return o.y
}

// gru is the op of GRU behind the linear layer of its input. The gates (r, z, n
// of each step, one behind the other) come in as that layer's output and are
// replaced by what they are.
type gru struct {
	gates, y  plan.Tensor
	steps, h  int
	w, b      *plan.Param // of the state: h × 3·h
	candidate *plan.Block // h·Uₙ + cₙ of each step; in backward its gradient
	hidden    *plan.Block // h·U + c of one step of the batch
	carry     *plan.Block // gradient of the state of one step of the batch
	turned    *plan.Block // U transposed

	front, back *plan.Block    // scratch of product and dw
	turns       [2]*plan.Block // scratch of dcarry, in which the rounded weights stay

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
	o.product.B, o.product.C, o.product.Bias = o.w.W, o.hidden.Floats, o.b.W
	if o.turned.Last == plan.Never { // only forward
		return
	}
	o.dcarry[0].B, o.dcarry[0].C = o.turned.Floats, o.carry.Floats
	o.dcarry[1].B, o.dcarry[1].C = o.turned.Floats[2*o.h*o.h:], o.carry.Floats
	o.dw[0].C, o.dw[1].C = o.w.G, o.w.G[2*o.h:]
}

// at is the state of a step in the sequence of a row, and what else has its size.
func (o *gru) at(b *plan.Block, row, step int) []float32 {
	i := (row*o.steps + step) * o.h
	return b.Floats[i : i+o.h]
}

// before is the state before a step, nil for zeros.
func (o *gru) before(row, step int) []float32 {
	if step == 0 {
		return nil
	}
	return o.at(o.y.Data, row, step-1)
}

func (o *gru) Forward(p plan.Pass) {
	h := o.h
	for t := range o.steps {
		if t > 0 {
			o.product.M, o.product.A, o.product.SameB = p.Rows, o.y.Data.Floats[(t-1)*h:], t > 1
			o.product.Run()
		}
		for i := range p.Rows {
			hidden := o.b.W
			if t > 0 {
				hidden = o.hidden.Floats[i*3*h : (i+1)*3*h]
			}
			if o.candidate.Last != plan.Never {
				copy(o.at(o.candidate, i, t), hidden[2*h:])
			}
			at := (i*o.steps + t) * 3 * h
			kernel.GRUCell(o.at(o.y.Data, i, t), o.gates.Data.Floats[at:at+3*h], hidden, o.before(i, t))
		}
	}
}

func (o *gru) Backward(p plan.Pass) {
	h := o.h
	kernel.Transpose(o.turned.Floats, h, o.w.W, 3*h, h, 3*h)
	gates, dgates, dy := o.gates.Data.Floats, o.gates.Grad.Floats, o.y.Grad
	clear(o.carry.Floats[:p.Rows*h])
	for t := o.steps - 1; t >= 0; t-- {
		for i := range p.Rows {
			carry, d := o.carry.Floats[i*h:(i+1)*h], o.at(dy, i, t)
			kernel.Add(d, carry)
			at := (i*o.steps + t) * 3 * h
			kernel.GRUCellBack(dgates[at:at+3*h], carry, o.at(o.candidate, i, t), d, gates[at:at+3*h], o.before(i, t))
		}
		o.dcarry[0].A, o.dcarry[1].A = dgates[t*3*h:], o.candidate.Floats[t*h:]
		for i := range o.dcarry {
			g := &o.dcarry[i]
			g.M, g.SameB = p.Rows, t < o.steps-1
			g.Run()
		}
	}
	o.weights(p.Rows)
}

// weights computes the gradients of U and c. The first step has no state before
// it.
func (o *gru) weights(rows int) {
	h, d := o.h, o.gates.Grad.Floats
	for i := range rows {
		at := i * o.steps * h
		o.dw[0].B, o.dw[1].B = d[3*(at+h):], o.candidate.Floats[at+h:]
		for q := range o.dw {
			o.dw[q].A, o.dw[q].Add = o.y.Data.Floats[at:], i > 0
			o.dw[q].Run()
		}
	}
	kernel.ColSum(o.b.G, d, rows*o.steps, 3*h)
	kernel.ColSum(o.b.G[2*h:], o.candidate.Floats, rows*o.steps, h)
}
