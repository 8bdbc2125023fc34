package engine

import (
	"math"

	"budwood/engine/kernel"
)

// BatchNorm normalises each feature, or each channel of an image, over the
// batch, and scales and shifts it by trained γ and β (Ioffe & Szegedy 2015).
// ε is 1e-5. In inference it uses running averages, updated in training with
// momentum 0.1.
type BatchNorm struct{}

// Infer gives the input shape.
func (b BatchNorm) Infer(in Shape) (Shape, error) { return in, values(b, in) }

// String is BatchNorm.
func (BatchNorm) String() string { return "BatchNorm" }

func (l BatchNorm) build(b *builder, x tensor) tensor { return l.fuse(b, x, false, 1) }

func (l BatchNorm) fuse(b *builder, x tensor, relu bool, _ float64) tensor {
	c := x.shape[len(x.shape)-1]
	b.layer(l, x.shape, 0)
	y := b.output(x, x.shape, true, needNothing)
	o := &batchNorm{
		x: x, channels: c, per: x.shape.Size() / c, relu: relu,
		gamma: b.param("weight", constant(1), c), beta: b.param("bias", constant(0), c),
		mean: b.stat("running_mean", constant(0), c), variance: b.stat("running_var", constant(1), c),
		saved: b.scratch(product(2, c)), front: b.scratch(product(3, c)), back: b.scratch(product(3, c)),
	}
	backwards := []*block{x.data, x.grad, y.grad, o.saved, o.back}
	if relu {
		y.need = needSign
		backwards = append(backwards, y.data)
	}
	o.y = y
	b.add(o, []*block{x.data, y.data, o.saved, o.front}, backwards)
	return y
}

// The constants of BatchNorm.
const (
	normEps      = 1e-5
	normMomentum = 0.1
)

// batchNorm is the op of BatchNorm: y = (x − μ)/√(σ² + ε)·γ + β, then ReLU if
// fused.
type batchNorm struct {
	x, y               tensor
	channels, per      int // per: values of a channel in one sample
	relu               bool
	gamma, beta        *param
	mean, variance     *param
	saved, front, back *block // saved: μ and 1/√(σ² + ε) of the batch
}

func (o *batchNorm) bind() {}

func (o *batchNorm) forward(p pass) {
	c, n := o.channels, p.rows*o.per
	x, y := o.x.data.data, o.y.data.data
	mean, inv := o.saved.data[:c], o.saved.data[c:2*c]
	a, shift, variance := o.front.data[:c], o.front.data[c:2*c], o.front.data[2*c:3*c]
	if p.train {
		kernel.Moments(mean, variance, x, n, c)
		o.average(mean, variance, n)
	} else {
		copy(mean, o.mean.w)
		copy(variance, o.variance.w)
	}
	for j := range c {
		inv[j] = float32(1 / math.Sqrt(float64(variance[j])+normEps))
		a[j] = o.gamma.w[j] * inv[j]
		shift[j] = o.beta.w[j] - mean[j]*a[j]
	}
	kernel.ScaleShift(y, x, a, shift, n, c, o.relu)
}

// average updates the running statistics, with the unbiased variance. A single
// value has none, and changes nothing.
func (o *batchNorm) average(mean, variance []float32, n int) {
	if n < 2 {
		return
	}
	unbiased := float32(n) / float32(n-1)
	for j := range mean {
		o.mean.w[j] += normMomentum * (mean[j] - o.mean.w[j])
		o.variance.w[j] += normMomentum * (unbiased*variance[j] - o.variance.w[j])
	}
}

// backward: with x̂ = (x − μ)·inv and n values a channel, dβ = Σ dy,
// dγ = Σ dy·x̂, dx = γ·inv·(dy − dβ/n − x̂·dγ/n).
func (o *batchNorm) backward(p pass) {
	c, n := o.channels, p.rows*o.per
	mean, inv := o.saved.data[:c], o.saved.data[c:2*c]
	a, slope, shift := o.back.data[:c], o.back.data[c:2*c], o.back.data[2*c:3*c]
	var y []float32
	if o.relu {
		y = o.y.data.data
	}
	dgamma, dbeta := o.gamma.g, o.beta.g
	kernel.CenteredSums(dbeta, dgamma, o.y.grad.data, o.x.data.data, y, mean, n, c)
	for j := range c {
		dgamma[j] *= inv[j]
		a[j] = o.gamma.w[j] * inv[j]
		slope[j] = -a[j] * inv[j] * dgamma[j] / float32(n)
		shift[j] = -a[j] * dbeta[j] / float32(n)
	}
	if o.x.grad != nil {
		kernel.NormBack(o.x.grad.data, o.y.grad.data, o.x.data.data, y, a, slope, mean, shift, n, c)
	}
}
