package engine

import (
	"fmt"

	"budwood/engine/kernel"
)

// Residual is x + Body(x) (He et al. 2016). Where Body changes the shape, x
// goes through a projection without bias: a 1×1 [Conv] with the stride that
// fits, or a [Dense] if Body's output is flat.
type Residual struct {
	Body Seq
}

// Infer gives the output shape of Body, if a projection can reach it.
func (r Residual) Infer(in Shape) (Shape, error) {
	out, err := r.Body.Infer(in)
	if err != nil {
		return nil, fmt.Errorf("Residual: %w", err)
	}
	if _, err := r.projection(in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// projection is the layer that brings x to Body's shape, nil if it has it.
func (r Residual) projection(in, out Shape) (Layer, error) {
	if in.Equal(out) {
		return nil, nil
	}
	if len(out) == 1 {
		return Dense{Out: out[0], NoBias: true}, nil
	}
	if len(in) == 3 && len(out) == 3 {
		s := max((in[0]+out[0]-1)/out[0], (in[1]+out[1]-1)/out[1])
		c := Conv{Out: out[2], Kernel: 1, Stride: s, NoBias: true}
		if got, err := c.Infer(in); err == nil && got.Equal(out) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%v: no projection leads from its input %v to its output %v", r, in, out)
}

// String is Residual[…].
func (r Residual) String() string { return "Residual" + r.Body.String() }

func (r Residual) build(b *builder, x tensor) tensor {
	own := b.layer(r, x.shape, 0)
	into := tensor{shape: x.shape, data: x.data, need: needValues}
	if x.grad != nil {
		into.grad = b.block(x.shape.Size())
		b.add(&fork{grad: x.grad, other: into.grad}, nil, []*block{x.grad, into.grad})
	}
	var body tensor
	b.within("body", func() { body = r.Body.build(b, into) })
	short := tensor{shape: x.shape, data: x.data, grad: x.grad, need: needValues}
	if p, err := r.projection(x.shape, body.shape); err == nil && p != nil {
		b.within("projection", func() { short = p.build(b, short) })
	}
	b.rows[own].layer, b.rows[own].out = "Residual", body.shape
	b.at = own
	y := b.inPlace(body, false, needNothing)
	if y.grad == nil {
		y.grad = short.grad
	}
	b.add(&sum{body: body, short: short, y: y}, []*block{body.data, short.data, y.data}, []*block{y.grad, short.grad})
	return y
}

// fork is where the two branches of a Residual part: the gradient of x is the
// sum of theirs. The shortcut has written its own to that of x already.
type fork struct{ grad, other *block }

func (o *fork) bind()        {}
func (o *fork) forward(pass) {}
func (o *fork) backward(p pass) {
	n := p.rows * int(o.grad.sample)
	kernel.Add(o.grad.data[:n], o.other.data[:n])
}

// sum is where the branches of a Residual meet. Body and y share the gradient.
type sum struct{ body, short, y tensor }

func (o *sum) bind() {}

func (o *sum) forward(p pass) {
	n := p.rows * o.y.shape.Size()
	y := o.y.data.data[:n]
	if o.y.data != o.body.data {
		copy(y, o.body.data.data)
	}
	kernel.Add(y, o.short.data.data[:n])
}

func (o *sum) backward(p pass) {
	if o.short.grad != nil && o.short.grad != o.y.grad {
		n := p.rows * o.y.shape.Size()
		copy(o.short.grad.data[:n], o.y.grad.data)
	}
}
