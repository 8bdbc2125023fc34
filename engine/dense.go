package engine

import (
	"fmt"
	"slices"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Dense is a fully connected layer, x·W + b. It flattens its input, unless it is
// to treat each step of a sequence by itself.
type Dense struct {
	Out     int // features out
	NoBias  bool
	PerStep bool // on the last axis alone, as nn.Linear: {steps, features} becomes {steps, Out}
	Init    Init // of the weights; nil means Kaiming{}
}

// Infer gives {Out}, or {…, Out} if PerStep is set.
func (d Dense) Infer(in data.Shape) (data.Shape, error) {
	if err := values(d, in); err != nil {
		return nil, err
	}
	if err := sized(d, "size", d.Out, 1); err != nil {
		return nil, err
	}
	return d.shape(in), nil
}

func (d Dense) shape(in data.Shape) data.Shape {
	if !d.PerStep {
		return data.Shape{d.Out}
	}
	out := slices.Clone(in)
	out[len(out)-1] = d.Out
	return out
}

// String is Dense(Out), or Dense(Out, per step).
func (d Dense) String() string {
	if d.PerStep {
		return fmt.Sprintf("Dense(%d, per step)", d.Out)
	}
	return fmt.Sprintf("Dense(%d)", d.Out)
}

func (d Dense) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	y, _ := d.fuse(b, x, nil)
	return y
}

func (d Dense) fuse(b *plan.Builder, x plan.Tensor, next []Layer) (plan.Tensor, int) {
	taken, gain := behind(next)
	relu := taken > 0
	in, per := x.Shape.Size(), 1
	if d.PerStep {
		in = x.Shape[len(x.Shape)-1]
		per = x.Shape.Size() / in
	}
	out := d.shape(x.Shape)
	b.Layer(d, out, plan.Product(per, in, d.Out))
	y := b.Output(x, out, true, plan.NeedNothing)
	o := plan.Fresh[dense](b)
	o.x, o.per, o.in, o.out, o.relu, o.w = x, per, in, d.Out, relu, b.Param("weight", initial(d.Init, in, d.Out, gain), in, d.Out)
	if relu {
		y.Need = plan.NeedSign
	}
	o.y = y
	if !d.NoBias {
		o.b = b.Param("bias", zeros, d.Out)
	}
	o.product = kernel.Gemm{M: b.Batch * per, N: d.Out, K: in, RowA: in, ColA: 1, RowB: d.Out, RowC: d.Out, ReLU: relu, Half: b.Half}
	o.dw = kernel.Gemm{M: in, N: d.Out, K: b.Batch * per, RowA: 1, ColA: in, RowB: d.Out, RowC: d.Out, Half: b.Half}
	o.front = b.Scratch(int64(o.product.PackSize()))
	size := o.dw.PackSize()
	if x.Grad != nil {
		o.dx = kernel.Gemm{M: b.Batch * per, N: in, K: d.Out, RowA: d.Out, ColA: 1, RowB: 1, ColB: d.Out, RowC: in, Half: b.Half}
		size = max(size, o.dx.PackSize())
	}
	o.back = b.Scratch(int64(size))
	back := []*plan.Block{x.Data, x.Grad, y.Grad, o.back}
	if relu {
		back = append(back, y.Data)
	}
	b.Add(o, []*plan.Block{x.Data, y.Data, o.front}, back)
	return y, taken
}

// dense is the op of Dense: y = x·W + b, then ReLU if fused.
type dense struct {
	x, y        plan.Tensor
	per         int // vectors of each sample
	in, out     int
	relu        bool
	w, b        *plan.Param
	front, back *plan.Block // scratch of the products

	product, dw, dx kernel.Gemm
}

func (o *dense) Bind() {
	x, dy := o.x.Data.Floats, o.y.Grad.Floats
	g := &o.product
	g.A, g.B, g.C, g.Pack = x, o.w.W, o.y.Data.Floats, o.front.Floats
	if o.b != nil {
		g.Bias = o.b.W
	}
	g = &o.dw
	g.A, g.B, g.C, g.Pack = x, dy, o.w.G, o.back.Floats
	if o.x.Grad != nil {
		g = &o.dx
		g.A, g.B, g.C, g.Pack = dy, o.w.W, o.x.Grad.Floats, o.back.Floats
	}
}

func (o *dense) Forward(p plan.Pass) {
	o.product.M = p.Rows * o.per
	o.product.Run()
}

func (o *dense) Backward(p plan.Pass) {
	rows := p.Rows * o.per
	dy := o.y.Grad.Floats[:rows*o.out]
	if o.relu {
		kernel.ReLUBack(dy, dy, o.y.Data.Floats[:len(dy)])
	}
	o.dw.K = rows
	o.dw.Run()
	if o.b != nil {
		kernel.ColSum(o.b.G, dy, rows, o.out)
	}
	if o.x.Grad != nil {
		o.dx.M = rows
		o.dx.Run()
	}
}
