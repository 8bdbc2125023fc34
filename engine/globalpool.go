package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// GlobalAvgPool takes the mean of each channel over the whole image, or of each
// feature over all steps of a sequence.
type GlobalAvgPool struct{}

// GlobalMaxPool takes the maximum of each channel over the whole image, or of
// each feature over all steps of a sequence.
type GlobalMaxPool struct{}

// Infer gives {channels}.
func (p GlobalAvgPool) Infer(in data.Shape) (data.Shape, error) {
	if err := spread(p, in); err != nil {
		return nil, err
	}
	return in[len(in)-1:], nil
}

// Infer gives {channels}.
func (p GlobalMaxPool) Infer(in data.Shape) (data.Shape, error) {
	if err := spread(p, in); err != nil {
		return nil, err
	}
	return in[len(in)-1:], nil
}

// String is GlobalAvgPool.
func (GlobalAvgPool) String() string { return "GlobalAvgPool" }

// String is GlobalMaxPool.
func (GlobalMaxPool) String() string { return "GlobalMaxPool" }

func (p GlobalAvgPool) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return addGlobalPool(b, p, x, false)
}
func (p GlobalMaxPool) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return addGlobalPool(b, p, x, true)
}

func addGlobalPool(b *plan.Builder, l Layer, x plan.Tensor, most bool) plan.Tensor {
	out := x.Shape[len(x.Shape)-1:]
	b.Layer(l, out, 0)
	o := &globalPool{x: x, places: plan.Places(x.Shape), channels: out[0], max: most, y: b.Output(x, out, false, plan.NeedNothing)}
	back := []*plan.Block{x.Grad, o.y.Grad}
	if most {
		o.y.Need = plan.NeedValues
		back = append(back, x.Data, o.y.Data)
	}
	b.Add(o, []*plan.Block{x.Data, o.y.Data}, back)
	return o.y
}

// globalPool is the op of GlobalAvgPool and GlobalMaxPool.
type globalPool struct {
	x, y             plan.Tensor
	places, channels int
	max              bool
}

func (o *globalPool) Bind() {}

func (o *globalPool) Forward(p plan.Pass) {
	c, in := o.channels, o.places*o.channels
	for i := range p.Rows {
		x, y := o.x.Data.Floats[i*in:(i+1)*in], o.y.Data.Floats[i*c:(i+1)*c]
		if o.max {
			copy(y, x)
			for q := 1; q < o.places; q++ {
				kernel.Max(y, x[q*c:(q+1)*c])
			}
			continue
		}
		kernel.ColSum(y, x, o.places, c)
		kernel.Scale(y, 1/float32(o.places))
	}
}

func (o *globalPool) Backward(p plan.Pass) {
	if o.x.Grad == nil {
		return
	}
	c, in := o.channels, o.places*o.channels
	for i := range p.Rows {
		dx, dy := o.x.Grad.Floats[i*in:(i+1)*in], o.y.Grad.Floats[i*c:(i+1)*c]
		if o.max {
			kernel.MaxBack(dx, dy, o.x.Data.Floats[i*in:(i+1)*in], o.y.Data.Floats[i*c:(i+1)*c])
			continue
		}
		kernel.Scale(dy, 1/float32(o.places))
		for q := range o.places {
			copy(dx[q*c:], dy)
		}
	}
}
