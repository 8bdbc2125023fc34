package engine

import (
	"budwood/data"
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

func (p GlobalAvgPool) build(b *builder, x tensor) tensor { return addGlobalPool(b, p, x, false) }
func (p GlobalMaxPool) build(b *builder, x tensor) tensor { return addGlobalPool(b, p, x, true) }

func addGlobalPool(b *builder, l Layer, x tensor, most bool) tensor {
	out := x.shape[len(x.shape)-1:]
	b.layer(l, out, 0)
	o := &globalPool{x: x, places: places(x.shape), channels: out[0], max: most, y: b.output(x, out, false, needNothing)}
	back := []*block{x.grad, o.y.grad}
	if most {
		o.y.need = needValues
		back = append(back, x.data, o.y.data)
	}
	b.add(o, []*block{x.data, o.y.data}, back)
	return o.y
}

// globalPool is the op of GlobalAvgPool and GlobalMaxPool.
type globalPool struct {
	x, y             tensor
	places, channels int
	max              bool
}

func (o *globalPool) Bind() {}

func (o *globalPool) Forward(p pass) {
	c, in := o.channels, o.places*o.channels
	for i := range p.rows {
		x, y := o.x.data.data[i*in:(i+1)*in], o.y.data.data[i*c:(i+1)*c]
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

func (o *globalPool) Backward(p pass) {
	if o.x.grad == nil {
		return
	}
	c, in := o.channels, o.places*o.channels
	for i := range p.rows {
		dx, dy := o.x.grad.data[i*in:(i+1)*in], o.y.grad.data[i*c:(i+1)*c]
		if o.max {
			kernel.MaxBack(dx, dy, o.x.data.data[i*in:(i+1)*in], o.y.data.data[i*c:(i+1)*c])
			continue
		}
		kernel.Scale(dy, 1/float32(o.places))
		for q := range o.places {
			copy(dx[q*c:], dy)
		}
	}
}
