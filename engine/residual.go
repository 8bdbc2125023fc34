package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// Residual is x + Body(x) (He et al. 2016). Where Body changes the shape, x
// goes through a projection without bias: a 1×1 convolution with the stride that
// fits, or a [Dense] if Body's output is flat. [Par] has more branches.
type Residual struct {
	Body Seq
}

// Infer gives the output shape of Body, if a projection can reach it.
func (r Residual) Infer(in data.Shape) (data.Shape, error) {
	out, err := r.Body.Infer(in)
	if err != nil {
		return nil, fmt.Errorf("Residual: %w", err)
	}
	if _, err := Projection(in, out); err != nil {
		return nil, fmt.Errorf("%v: input and body: %w", r, err)
	}
	return out, nil
}

// Projection is the layer by which a [Residual] or [Par] brings a value to another
// shape: a 1×1 convolution with the stride that fits, or a [Dense] if it is flat,
// without bias; nil if the shapes are the same.
func Projection(in, out data.Shape) (Layer, error) {
	if in.Equal(out) {
		return nil, nil
	}
	if len(out) == 1 {
		return Dense{Out: out[0], NoBias: true}, nil
	}
	if len(in) == len(out) {
		s := 1
		for i := range len(in) - 1 {
			s = max(s, (in[i]+out[i]-1)/out[i])
		}
		var l Layer = Conv{Out: out[len(out)-1], Kernel: 1, Stride: s, NoBias: true}
		if len(in) == 2 {
			l = Conv1D{Out: out[1], Kernel: 1, Stride: s, NoBias: true}
		}
		if got, err := l.Infer(in); err == nil && got.Equal(out) {
			return l, nil
		}
	}
	return nil, fmt.Errorf("no projection leads from %v to %v", in, out)
}

// String is Residual[…].
func (r Residual) String() string { return "Residual" + r.Body.String() }

func (r Residual) name() string { return "Residual" }

func (r Residual) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	own := b.Layer(title(r.name()), x.Shape, 0)
	var body plan.Tensor
	into := b.Split(x)
	b.Within("body", func() { body = r.Body.build(b, into) })
	short := plan.Tensor{Shape: x.Shape, Data: x.Data, Grad: x.Grad, Need: plan.NeedValues}
	if l, err := Projection(x.Shape, body.Shape); err == nil && l != nil {
		b.Within("projection", func() { short = l.build(b, short) })
	}
	b.At = own
	b.Rows[own].Out = body.Shape
	return b.Sum([]plan.Tensor{body, short})
}
