package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// ClassToken appends one more step to {steps, features}: a trained vector, the same for
// every sample, in which attention gathers what a classifier reads with [LastStep]
// (Dosovitskiy et al. 2021, who write it before the others; behind them it serves
// sequences and images of any size alike).
type ClassToken struct{}

// Infer gives {steps + 1, features}.
func (c ClassToken) Infer(in data.Shape) (data.Shape, error) {
	if err := sequence(c, in); err != nil {
		return nil, err
	}
	return data.Shape{in[0] + 1, in[1]}, nil
}

// String is ClassToken.
func (ClassToken) String() string { return "ClassToken" }

func (c ClassToken) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	features := x.Shape[1]
	out := b.Shape(x.Shape[0]+1, features)
	b.Layer(c, out, 0)
	o := &classToken{x: x, w: b.Param("weight", initial(Normal{}, 1, features, 1), features)}
	o.y = b.Output(x, out, true, plan.NeedNothing)
	b.Add(o, []*plan.Block{x.Data, o.y.Data}, []*plan.Block{x.Grad, o.y.Grad})
	return o.y
}

// classToken is the op of ClassToken.
type classToken struct {
	x, y plan.Tensor
	w    *plan.Param
}

func (o *classToken) Bind() {}

func (o *classToken) Forward(p plan.Pass) {
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	for i := range p.Rows {
		y := o.y.Data.Floats[i*out : (i+1)*out]
		copy(y, o.x.Data.Floats[i*in:(i+1)*in])
		copy(y[in:], o.w.W)
	}
}

func (o *classToken) Backward(p plan.Pass) {
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	clear(o.w.G)
	for i := range p.Rows {
		dy := o.y.Grad.Floats[i*out : (i+1)*out]
		kernel.Add(o.w.G, dy[in:])
		if o.x.Grad != nil {
			copy(o.x.Grad.Floats[i*in:(i+1)*in], dy)
		}
	}
}
