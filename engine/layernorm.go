package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// LayerNorm normalises the features of each sample, each step of a sequence or
// each pixel by itself, over the last axis, and scales and shifts them by
// trained γ and β (Ba et al. 2016). For images see also [GroupNorm].
type LayerNorm struct {
	// Of is the features that mean and variance are of: those of the input, and
	// others of value 0, as where dead features were cut off; 0 means those of the
	// input.
	Of  int
	Eps float64 // ε, added to the variance; 0 means 1e-5
}

// Infer gives the input shape.
func (l LayerNorm) Infer(in data.Shape) (data.Shape, error) {
	if err := values(l, in); err != nil {
		return nil, err
	}
	if err := checkEps(l, l.Eps); err != nil {
		return nil, err
	}
	if l.Of == 0 {
		return in, nil
	}
	return in, sized(l, "features normalised", l.Of, in[len(in)-1])
}

// String is LayerNorm, or LayerNorm(of Of), with ε where it is not the default.
func (l LayerNorm) String() string {
	if l.Of > 0 {
		return fmt.Sprintf("LayerNorm(of %d%s)", l.Of, describeEps(", ", l.Eps, ""))
	}
	return "LayerNorm" + describeEps("(", l.Eps, ")")
}

func (l LayerNorm) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	c := x.Shape[len(x.Shape)-1]
	per := x.Shape.Size() / c
	b.Layer(l, x.Shape, 0)
	o := &layerNorm{
		x: x, channels: c, of: cmp.Or(l.Of, c), per: per, eps: float32(Eps(l.Eps)), y: b.Output(x, x.Shape, true, plan.NeedNothing),
		gamma: b.Param("weight", ones, c), beta: b.Param("bias", zeros, c),
		mean: b.Block(per), inv: b.Block(per),
	}
	b.Add(o, []*plan.Block{x.Data, o.y.Data, o.mean, o.inv}, []*plan.Block{x.Data, x.Grad, o.y.Grad, o.mean, o.inv})
	return o.y
}

// layerNorm is the op of LayerNorm: y = (x − μ)/√(σ² + ε)·γ + β.
type layerNorm struct {
	x, y          plan.Tensor
	channels, per int // per: normalised vectors in one sample
	of            int // features that mean and variance are of
	eps           float32
	gamma, beta   *plan.Param
	mean, inv     *plan.Block // μ and 1/√(σ² + ε) of each vector
}

func (o *layerNorm) Bind() {}

func (o *layerNorm) Forward(p plan.Pass) {
	kernel.LayerNorm(o.y.Data.Floats, o.x.Data.Floats, o.gamma.W, o.beta.W, o.mean.Floats, o.inv.Floats, p.Rows*o.per, o.channels, o.of, o.eps)
}

func (o *layerNorm) Backward(p plan.Pass) {
	dx := o.y.Grad.Floats // if nobody wants it
	if o.x.Grad != nil {
		dx = o.x.Grad.Floats
	}
	kernel.LayerNormBack(dx, o.gamma.G, o.beta.G, o.y.Grad.Floats, o.x.Data.Floats, o.gamma.W, o.mean.Floats, o.inv.Floats, p.Rows*o.per, o.channels, o.of)
}
