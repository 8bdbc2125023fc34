package engine

import (
	"fmt"
	"slices"

	"budwood/data"
)

// Flatten makes {features} of any shape. [Dense] does so by itself.
type Flatten struct{}

// Reshape sees the values, which stay in their order, in another shape: an image
// as a sequence of its rows, for example.
type Reshape struct {
	To data.Shape // of the same size
}

// LastStep takes the last step of {steps, features}: what a [GRU] or a causal
// [Transformer] has gathered of the whole sequence.
type LastStep struct{}

// Infer gives {size of in}.
func (f Flatten) Infer(in data.Shape) (data.Shape, error) {
	if err := values(f, in); err != nil {
		return nil, err
	}
	return data.Shape{in.Size()}, nil
}

// Infer gives To.
func (r Reshape) Infer(in data.Shape) (data.Shape, error) {
	if err := values(r, in); err != nil {
		return nil, err
	}
	if in.Size() != r.To.Size() {
		return nil, fmt.Errorf("%v: %v has %d values, not %d", r, in, in.Size(), r.To.Size())
	}
	return r.To, nil
}

// Infer gives {features}.
func (l LastStep) Infer(in data.Shape) (data.Shape, error) {
	if err := sequence(l, in); err != nil {
		return nil, err
	}
	return in[1:], nil
}

// String is Flatten.
func (Flatten) String() string { return "Flatten" }

// String is Reshape(To).
func (r Reshape) String() string { return fmt.Sprintf("Reshape(%v)", r.To) }

// String is LastStep.
func (LastStep) String() string { return "LastStep" }

func (f Flatten) build(b *builder, x tensor) tensor {
	return addReshape(b, f, x, data.Shape{x.shape.Size()})
}
func (r Reshape) build(b *builder, x tensor) tensor { return addReshape(b, r, x, slices.Clone(r.To)) }

// addReshape is the same tensor in another shape.
func addReshape(b *builder, l Layer, x tensor, to data.Shape) tensor {
	b.layer(l, to, 0)
	x.shape = to
	return x
}

func (l LastStep) build(b *builder, x tensor) tensor {
	b.layer(l, x.shape[1:], 0)
	o := &lastStep{x: x, y: b.output(x, x.shape[1:], false, needNothing)}
	b.add(o, []*block{x.data, o.y.data}, []*block{x.grad, o.y.grad})
	return o.y
}

// lastStep is the op of LastStep.
type lastStep struct{ x, y tensor }

func (o *lastStep) Bind() {}

func (o *lastStep) Forward(p pass) {
	n, c := o.x.shape.Size(), o.x.shape[1]
	for i := range p.rows {
		copy(o.y.data.data[i*c:(i+1)*c], o.x.data.data[(i+1)*n-c:])
	}
}

func (o *lastStep) Backward(p pass) {
	if o.x.grad == nil {
		return
	}
	n, c := o.x.shape.Size(), o.x.shape[1]
	clear(o.x.grad.data[:p.rows*n])
	for i := range p.rows {
		copy(o.x.grad.data[(i+1)*n-c:(i+1)*n], o.y.grad.data[i*c:])
	}
}
