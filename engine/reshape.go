package engine

import (
	"fmt"
	"slices"

	"budwood/data"
	"budwood/engine/internal/plan"
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

func (f Flatten) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return addReshape(b, f, x, data.Shape{x.Shape.Size()})
}
func (r Reshape) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return addReshape(b, r, x, slices.Clone(r.To))
}

// addReshape is the same tensor in another shape.
func addReshape(b *plan.Builder, l Layer, x plan.Tensor, to data.Shape) plan.Tensor {
	b.Layer(l, to, 0)
	x.Shape = to
	return x
}

func (l LastStep) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	b.Layer(l, x.Shape[1:], 0)
	o := &lastStep{x: x, y: b.Output(x, x.Shape[1:], false, plan.NeedNothing)}
	b.Add(o, []*plan.Block{x.Data, o.y.Data}, []*plan.Block{x.Grad, o.y.Grad})
	return o.y
}

// lastStep is the op of LastStep.
type lastStep struct{ x, y plan.Tensor }

func (o *lastStep) Bind() {}

func (o *lastStep) Forward(p plan.Pass) {
	n, c := o.x.Shape.Size(), o.x.Shape[1]
	for i := range p.Rows {
		copy(o.y.Data.Floats[i*c:(i+1)*c], o.x.Data.Floats[(i+1)*n-c:])
	}
}

func (o *lastStep) Backward(p plan.Pass) {
	if o.x.Grad == nil {
		return
	}
	n, c := o.x.Shape.Size(), o.x.Shape[1]
	clear(o.x.Grad.Floats[:p.Rows*n])
	for i := range p.Rows {
		copy(o.x.Grad.Floats[(i+1)*n-c:(i+1)*n], o.y.Grad.Floats[i*c:])
	}
}
