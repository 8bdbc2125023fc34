package engine

import (
	"cmp"
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// GroupNorm normalises groups of channels of each sample, over all its steps or
// pixels, and scales and shifts each channel by trained γ and β (Wu & He 2018).
// It does not depend on the batch. With one group it is the layer norm of whole
// images, with as many groups as channels the instance norm.
type GroupNorm struct {
	Groups int     // divides the channels; 0 means 32, or the largest divisor of the channels below
	Of     int     // channels that the statistics of a group are of: its own, and others of value 0; 0 means its own
	Eps    float64 // ε, added to the variance; 0 means 1e-5
}

// Infer gives the input shape.
func (g GroupNorm) Infer(in data.Shape) (data.Shape, error) {
	if err := values(g, in); err != nil {
		return nil, err
	}
	if err := sized(g, "groups", g.Groups, 0); err != nil {
		return nil, err
	}
	if err := checkEps(g, g.Eps); err != nil {
		return nil, err
	}
	if c := in[len(in)-1]; c%g.GroupsOf(c) != 0 {
		return nil, fmt.Errorf("%v: %d groups do not divide the %d channels of %v evenly", g, g.Groups, c, in)
	}
	if g.Of > 0 {
		c := in[len(in)-1]
		return in, sized(g, "channels normalised", g.Of, c/g.GroupsOf(c))
	}
	return in, nil
}

// GroupsOf is the number of groups of so many channels.
func (g GroupNorm) GroupsOf(channels int) int {
	if g.Groups != 0 {
		return g.Groups
	}
	n := min(32, channels)
	for channels%n != 0 {
		n--
	}
	return n
}

// String is GroupNorm(Groups), without a number where it is the default, and with Of and
// ε where they are not.
func (g GroupNorm) String() string {
	switch {
	case g.Of > 0:
		return fmt.Sprintf("GroupNorm(%d of %d%s)", g.Groups, g.Of, describeEps(", ", g.Eps, ""))
	case g.Groups == 0:
		return "GroupNorm" + describeEps("(", g.Eps, ")")
	}
	return fmt.Sprintf("GroupNorm(%d%s)", g.Groups, describeEps(", ", g.Eps, ""))
}

func (g GroupNorm) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	c := x.Shape[len(x.Shape)-1]
	b.Layer(g, x.Shape, 0)
	o := &groupNorm{
		x: x, channels: c, eps: Eps(g.Eps), places: plan.Places(x.Shape), groups: g.GroupsOf(c), of: cmp.Or(g.Of, c/g.GroupsOf(c)), y: b.Output(x, x.Shape, true, plan.NeedNothing),
		gamma: b.Param("weight", ones, c), beta: b.Param("bias", zeros, c),
		mean: b.Block(g.GroupsOf(c)), inv: b.Block(g.GroupsOf(c)), front: b.Scratch(plan.Product(4, c)), back: b.Scratch(plan.Product(4, c)),
	}
	b.Add(o, []*plan.Block{x.Data, o.y.Data, o.mean, o.inv, o.front}, []*plan.Block{x.Data, x.Grad, o.y.Grad, o.mean, o.inv, o.back})
	return o.y
}

// groupNorm is the op of GroupNorm: y = (x − μ)/√(σ² + ε)·γ + β.
type groupNorm struct {
	x, y                     plan.Tensor
	channels, places, groups int
	of                       int // channels that the statistics of a group are of
	eps                      float64
	gamma, beta              *plan.Param
	mean, inv                *plan.Block // μ and 1/√(σ² + ε) of each group of each sample
	front, back              *plan.Block // a few numbers for each channel

	moments  *kernel.Moments
	sum, dot []float64 // Σ dy and Σ dy·(x − μ), then Σ dy·x̂
}

func (o *groupNorm) Bind() {
	o.moments = kernel.NewMoments(o.channels)
	o.sum, o.dot = make([]float64, o.channels), make([]float64, o.channels)
}

// channel cuts number i of each channel out of scratch memory.
func (o *groupNorm) channel(b *plan.Block, i int) []float32 {
	return b.Floats[i*o.channels : (i+1)*o.channels]
}

func (o *groupNorm) Forward(p plan.Pass) {
	n, per := o.places*o.channels, o.channels/o.groups
	mean, variance, a, shift := o.channel(o.front, 0), o.channel(o.front, 1), o.channel(o.front, 2), o.channel(o.front, 3)
	for i := range p.Rows {
		x, y := o.x.Data.Floats[i*n:(i+1)*n], o.y.Data.Floats[i*n:(i+1)*n]
		o.moments.Reset()
		o.moments.Add(x, o.places)
		o.moments.Result(mean, variance)
		for g := range o.groups {
			lo, hi := g*per, (g+1)*per
			m, r := pooledMoments(mean[lo:hi], variance[lo:hi], o.of, o.eps)
			o.mean.Floats[i*o.groups+g], o.inv.Floats[i*o.groups+g] = m, r
			for j := lo; j < hi; j++ {
				a[j] = o.gamma.W[j] * r
				shift[j] = o.beta.W[j] - m*a[j]
			}
		}
		kernel.ScaleShift(y, x, a, shift, o.places, o.channels, false)
	}
}

// pooledMoments is the mean and 1/√(variance + ε) of channels together, from
// those of each; what is missing of their number is 0.
func pooledMoments(mean, variance []float32, of int, eps float64) (m, inv float32) {
	var sum, square float64
	for _, v := range mean {
		sum += float64(v)
	}
	sum /= float64(of)
	for j, v := range variance {
		d := float64(mean[j]) - sum
		square += float64(v) + d*d
	}
	square += float64(of-len(mean)) * sum * sum
	return float32(sum), float32(1 / math.Sqrt(square/float64(of)+eps))
}

// backward: with x̂ = (x − μ)·inv, g = dy·γ and n values in a group, dβ = Σ dy,
// dγ = Σ dy·x̂, dx = inv·(g − Σ g/n − x̂·Σ(g·x̂)/n).
func (o *groupNorm) Backward(p plan.Pass) {
	n, per := o.places*o.channels, o.channels/o.groups
	mean, a, slope, shift := o.channel(o.back, 0), o.channel(o.back, 1), o.channel(o.back, 2), o.channel(o.back, 3)
	clear(o.gamma.G)
	clear(o.beta.G)
	for i := range p.Rows {
		x, dy := o.x.Data.Floats[i*n:(i+1)*n], o.y.Grad.Floats[i*n:(i+1)*n]
		for j := range mean {
			mean[j] = o.mean.Floats[i*o.groups+j/per]
		}
		clear(o.sum)
		clear(o.dot)
		kernel.CenteredSums(o.sum, o.dot, dy, x, mean, nil, nil, o.places, o.channels)
		for g := range o.groups {
			r := o.inv.Floats[i*o.groups+g]
			var all, along float32
			for j := g * per; j < (g+1)*per; j++ {
				o.dot[j] *= float64(r)
				all += o.gamma.W[j] * float32(o.sum[j])
				along += o.gamma.W[j] * float32(o.dot[j])
			}
			for j := g * per; j < (g+1)*per; j++ {
				a[j] = o.gamma.W[j] * r
				slope[j] = -r * r * along / float32(o.of*o.places)
				shift[j] = -r * all / float32(o.of*o.places)
			}
		}
		for j := range o.sum {
			o.beta.G[j] += float32(o.sum[j])
			o.gamma.G[j] += float32(o.dot[j])
		}
		if o.x.Grad != nil {
			kernel.NormBack(o.x.Grad.Floats[i*n:(i+1)*n], dy, x, a, slope, mean, shift, nil, o.places, o.channels)
		}
	}
}
