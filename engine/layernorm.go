package engine

import (
	"budwood/data"
	"budwood/engine/kernel"
)

// LayerNorm normalises the features of each sample, each step of a sequence or
// each pixel by itself, over the last axis, and scales and shifts them by
// trained γ and β (Ba et al. 2016). ε is 1e-5. For images see also [GroupNorm].
type LayerNorm struct{}

// Infer gives the input shape.
func (l LayerNorm) Infer(in data.Shape) (data.Shape, error) { return in, values(l, in) }

// String is LayerNorm.
func (LayerNorm) String() string { return "LayerNorm" }

func (l LayerNorm) build(b *builder, x tensor) tensor {
	c := x.shape[len(x.shape)-1]
	per := x.shape.Size() / c
	b.layer(l, x.shape, 0)
	o := &layerNorm{
		x: x, channels: c, per: per, y: b.output(x, x.shape, true, needNothing),
		gamma: b.param("weight", ones, c), beta: b.param("bias", zeros, c),
		mean: b.block(per), inv: b.block(per),
	}
	b.add(o, []*block{x.data, o.y.data, o.mean, o.inv}, []*block{x.data, x.grad, o.y.grad, o.mean, o.inv})
	return o.y
}

// layerNorm is the op of LayerNorm: y = (x − μ)/√(σ² + ε)·γ + β.
type layerNorm struct {
	x, y          tensor
	channels, per int // per: normalised vectors in one sample
	gamma, beta   *param
	mean, inv     *block // μ and 1/√(σ² + ε) of each vector
}

func (o *layerNorm) Bind() {}

func (o *layerNorm) Forward(p pass) {
	kernel.LayerNorm(o.y.data.data, o.x.data.data, o.gamma.w, o.beta.w, o.mean.data, o.inv.data, p.rows*o.per, o.channels, normEps)
}

func (o *layerNorm) Backward(p pass) {
	dx := o.y.grad.data // if nobody wants it
	if o.x.grad != nil {
		dx = o.x.grad.data
	}
	kernel.LayerNormBack(dx, o.gamma.g, o.beta.g, o.y.grad.data, o.x.data.data, o.gamma.w, o.mean.data, o.inv.data, p.rows*o.per, o.channels)
}
