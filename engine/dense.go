package engine

import (
	"fmt"

	"budwood/engine/kernel"
)

// Dense is a fully connected layer, x·W + b. It flattens its input.
type Dense struct {
	Out    int // features out
	NoBias bool
}

// Infer gives {Out}.
func (d Dense) Infer(in Shape) (Shape, error) {
	if err := values(d, in); err != nil {
		return nil, err
	}
	if err := size(d, "size", d.Out, 1); err != nil {
		return nil, err
	}
	return Shape{d.Out}, nil
}

// String is Dense(Out).
func (d Dense) String() string { return fmt.Sprintf("Dense(%d)", d.Out) }

// Flatten makes {features} of any shape. [Dense] does so by itself.
type Flatten struct{}

// Infer gives {size of in}.
func (f Flatten) Infer(in Shape) (Shape, error) {
	if err := values(f, in); err != nil {
		return nil, err
	}
	return Shape{in.Size()}, nil
}

// String is Flatten.
func (Flatten) String() string { return "Flatten" }

func (f Flatten) build(b *builder, x tensor) tensor {
	b.layer(f, Shape{x.shape.Size()}, 0)
	x.shape = Shape{x.shape.Size()}
	return x
}

func (d Dense) build(b *builder, x tensor) tensor { return d.fuse(b, x, false, 1) }

func (d Dense) fuse(b *builder, x tensor, relu bool, gain float64) tensor {
	in := x.shape.Size()
	b.layer(d, Shape{d.Out}, product(in, d.Out))
	y := b.output(x, Shape{d.Out}, true, needNothing)
	o := &dense{x: x, in: in, out: d.Out, relu: relu, w: b.param("weight", scaled(in, gain), in, d.Out)}
	if relu {
		y.need = needSign
	}
	o.y = y
	if !d.NoBias {
		o.b = b.param("bias", constant(0), d.Out)
	}
	o.product = kernel.Gemm{M: b.batch, N: d.Out, K: in, RowA: in, ColA: 1, RowB: d.Out, RowC: d.Out, ReLU: relu}
	o.dw = kernel.Gemm{M: in, N: d.Out, K: b.batch, RowA: 1, ColA: in, RowB: d.Out, RowC: d.Out}
	o.front = b.scratch(int64(o.product.PackSize()))
	size := o.dw.PackSize()
	if x.grad != nil {
		o.dx = kernel.Gemm{M: b.batch, N: in, K: d.Out, RowA: d.Out, ColA: 1, RowB: 1, ColB: d.Out, RowC: in}
		size = max(size, o.dx.PackSize())
	}
	o.back = b.scratch(int64(size))
	back := []*block{x.data, x.grad, y.grad, o.back}
	if relu {
		back = append(back, y.data)
	}
	b.add(o, []*block{x.data, y.data, o.front}, back)
	return y
}

// dense is the op of Dense: y = x·W + b, then ReLU if fused.
type dense struct {
	x, y        tensor
	in, out     int
	relu        bool
	w, b        *param
	front, back *block // scratch of the products

	product, dw, dx kernel.Gemm
}

func (o *dense) bind() {
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

func (o *dense) forward(p pass) {
	o.product.M = p.rows
	o.product.Run()
}

func (o *dense) backward(p pass) {
	dy := o.y.grad.data[:p.rows*o.out]
	if o.relu {
		kernel.ReLUBack(dy, dy, o.y.data.data[:len(dy)])
	}
	o.dw.K = p.rows
	o.dw.Run()
	if o.b != nil {
		kernel.ColSum(o.b.g, dy, p.rows, o.out)
	}
	if o.x.grad != nil {
		o.dx.M = p.rows
		o.dx.Run()
	}
}
