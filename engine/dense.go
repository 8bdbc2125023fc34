package engine

import (
	"fmt"
	"slices"

	"budwood/data"
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

func (d Dense) build(b *builder, x tensor) tensor {
	y, _ := d.fuse(b, x, nil)
	return y
}

func (d Dense) fuse(b *builder, x tensor, next []Layer) (tensor, int) {
	taken, gain := behind(next)
	relu := taken > 0
	in, per := x.shape.Size(), 1
	if d.PerStep {
		in = x.shape[len(x.shape)-1]
		per = x.shape.Size() / in
	}
	out := d.shape(x.shape)
	b.layer(d, out, product(per, in, d.Out))
	y := b.output(x, out, true, needNothing)
	o := fresh[dense](b)
	o.x, o.per, o.in, o.out, o.relu, o.w = x, per, in, d.Out, relu, b.param("weight", initial(d.Init, in, d.Out, gain), in, d.Out)
	if relu {
		y.need = needSign
	}
	o.y = y
	if !d.NoBias {
		o.b = b.param("bias", zeros, d.Out)
	}
	o.product = kernel.Gemm{M: b.batch * per, N: d.Out, K: in, RowA: in, ColA: 1, RowB: d.Out, RowC: d.Out, ReLU: relu, Half: b.half}
	o.dw = kernel.Gemm{M: in, N: d.Out, K: b.batch * per, RowA: 1, ColA: in, RowB: d.Out, RowC: d.Out, Half: b.half}
	o.front = b.scratch(int64(o.product.PackSize()))
	size := o.dw.PackSize()
	if x.grad != nil {
		o.dx = kernel.Gemm{M: b.batch * per, N: in, K: d.Out, RowA: d.Out, ColA: 1, RowB: 1, ColB: d.Out, RowC: in, Half: b.half}
		size = max(size, o.dx.PackSize())
	}
	o.back = b.scratch(int64(size))
	back := []*block{x.data, x.grad, y.grad, o.back}
	if relu {
		back = append(back, y.data)
	}
	b.add(o, []*block{x.data, y.data, o.front}, back)
	return y, taken
}

// dense is the op of Dense: y = x·W + b, then ReLU if fused.
type dense struct {
	x, y        tensor
	per         int // vectors of each sample
	in, out     int
	relu        bool
	w, b        *param
	front, back *block // scratch of the products

	product, dw, dx kernel.Gemm
}

func (o *dense) Bind() {
	x, dy := o.x.data.data, o.y.grad.data
	g := &o.product
	g.A, g.B, g.C, g.Pack = x, o.w.w, o.y.data.data, o.front.data
	if o.b != nil {
		g.Bias = o.b.w
	}
	g = &o.dw
	g.A, g.B, g.C, g.Pack = x, dy, o.w.g, o.back.data
	if o.x.grad != nil {
		g = &o.dx
		g.A, g.B, g.C, g.Pack = dy, o.w.w, o.x.grad.data, o.back.data
	}
}

func (o *dense) Forward(p pass) {
	o.product.M = p.rows * o.per
	o.product.Run()
}

func (o *dense) Backward(p pass) {
	rows := p.rows * o.per
	dy := o.y.grad.data[:rows*o.out]
	if o.relu {
		kernel.ReLUBack(dy, dy, o.y.data.data[:len(dy)])
	}
	o.dw.K = rows
	o.dw.Run()
	if o.b != nil {
		kernel.ColSum(o.b.g, dy, rows, o.out)
	}
	if o.x.grad != nil {
		o.dx.M = rows
		o.dx.Run()
	}
}
