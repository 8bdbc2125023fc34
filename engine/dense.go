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
	back := []*block{x.data, x.grad, y.grad}
	if relu {
		back = append(back, y.data)
	}
	if x.grad != nil {
		o.pack = b.scratch(product(in, d.Out))
		back = append(back, o.pack)
	}
	b.add(o, []*block{x.data, y.data}, back)
	return y
}

// dense is the op of Dense: y = x·W + b, then ReLU if fused.
type dense struct {
	x, y    tensor
	in, out int
	relu    bool
	w, b    *param
	pack    *block

	product, dw, dx kernel.Gemm
}

func (o *dense) bind() {
	o.product = kernel.Gemm{
		N: o.out, K: o.in,
		A: o.x.data.data, RowA: o.in, ColA: 1,
		B: o.w.w, RowB: o.out,
		C: o.y.data.data, RowC: o.out,
		ReLU: o.relu,
	}
	if o.b != nil {
		o.product.Bias = o.b.w
	}
	o.dw = kernel.Gemm{
		M: o.in, N: o.out,
		A: o.x.data.data, RowA: 1, ColA: o.in,
		B: o.y.grad.data, RowB: o.out,
		C: o.w.g, RowC: o.out,
	}
	if o.x.grad != nil {
		o.dx = kernel.Gemm{
			N: o.in, K: o.out,
			A: o.y.grad.data, RowA: o.out, ColA: 1,
			B: o.w.w, RowB: 1, ColB: o.out,
			C: o.x.grad.data, RowC: o.in,
			Pack: o.pack.data,
		}
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
