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
	in, per := x.Shape.Size(), 1
	if d.PerStep {
		in = x.Shape[len(x.Shape)-1]
		per = x.Shape.Size() / in
	}
	c := b.Cut()
	rows, all := in, d.Out // of the weights of the whole network
	axis, whole := 1, d
	switch own := b.Own(c); {
	case own == nil:
	case c.Kind == plan.Rows:
		axis, rows = 0, c.Size
	default:
		d.Out = plan.Length(own)
	}
	out := d.shape(x.Shape)
	b.Layer(whole, out, plan.Product(per, in, d.Out))
	y := b.Output(x, out, true, plan.NeedNothing)
	o := plan.Fresh[dense](b)
	o.x, o.per, o.in, o.out, o.relu, o.w = x, per, in, d.Out, taken > 0, b.Param("weight", initial(d.Init, rows, all, gain), in, d.Out)
	o.w.Of(b, c, axis, rows, all)
	if !d.NoBias {
		o.b = b.Param("bias", zeros, d.Out)
		if axis == 1 {
			o.b.Of(b, c, 0, all)
		}
	}
	if b.Infer {
		o.absorbed = absorb(b, next, out, false)
		taken, o.relu, o.b = o.absorbed.layers, o.absorbed.relu, o.absorbed.biased(b, o.b, d.Out)
	}
	if o.relu {
		y.Need = plan.NeedSign
	}
	o.y = y
	o.product = kernel.Gemm{M: b.Batch * per, N: d.Out, K: in, RowA: in, ColA: 1, RowB: d.Out, RowC: d.Out, ReLU: o.relu, Half: b.Half}
	o.dw = kernel.Gemm{M: in, N: d.Out, K: b.Batch * per, RowA: 1, ColA: in, RowB: d.Out, RowC: d.Out, Half: b.Half}
	size := o.dw.PackSize()
	if x.Grad != nil {
		o.dx = kernel.Gemm{M: b.Batch * per, N: in, K: d.Out, RowA: d.Out, ColA: 1, RowB: 1, ColB: d.Out, RowC: in, Half: b.Half}
		size = max(size, o.dx.PackSize())
	}
	var room [2][8]*plan.Block
	front, back := append(room[0][:0], x.Data, y.Data), append(room[1][:0], x.Data, x.Grad, y.Grad)
	if c != nil {
		f, g := o.cut(b, c)
		front, back = append(front, f...), append(back, g...)
	}
	o.front = b.Scratch(max(int64(o.product.PackSize()), o.forward.packSize()))
	o.back = b.Scratch(max(int64(size), o.backward.packSize()))
	front, back = append(front, o.front), append(back, o.back)
	if o.relu {
		back = append(back, y.Data)
	}
	b.Add(o, front, back)
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
	absorbed    absorbed    // in inference

	product, dw, dx kernel.Gemm

	forward, backward *partial  // the product and dx, where their inner dimension is cut; else nil
	parts             *gathered // operands of backward, where the parts have several stretches
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
	o.bindCut()
}

func (o *dense) fold() { o.absorbed.fold(o.w, o.b) }

func (o *dense) Forward(p plan.Pass) {
	if o.forward != nil {
		o.forwardCut(p.Rows * o.per)
		return
	}
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
	switch {
	case o.backward != nil:
		o.backward.run(rows)
	case o.x.Grad != nil:
		o.dx.M = rows
		o.dx.Run()
	}
}
