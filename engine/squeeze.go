package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/kernel"
)

// SqueezeExcite weighs each channel of an image or feature of a sequence by a
// number from 0 to 1 that it computes from the means of all channels: a [Dense]
// to channels/Ratio with ReLU, another back with sigmoid (Hu et al. 2018).
type SqueezeExcite struct {
	Ratio int // 0 means 4; the width between is at least 1
}

// Infer gives the input shape.
func (s SqueezeExcite) Infer(in data.Shape) (data.Shape, error) {
	if err := spread(s, in); err != nil {
		return nil, err
	}
	return in, sized(s, "ratio", s.Ratio, 0)
}

// String is SqueezeExcite(Ratio).
func (s SqueezeExcite) String() string { return fmt.Sprintf("SqueezeExcite(%d)", s.ratio()) }

func (s SqueezeExcite) ratio() int {
	if s.Ratio == 0 {
		return 4
	}
	return s.Ratio
}

func (s SqueezeExcite) build(b *builder, x tensor) tensor {
	c := x.shape[len(x.shape)-1]
	own := b.layer(s, x.shape, 0)
	side := b.split(x)
	weigh := Seq{GlobalAvgPool{}, Dense{Out: max(c/s.ratio(), 1)}, ReLU{}, Dense{Out: c}, Sigmoid{}}
	o := &gate{x: x, places: places(x.shape), channels: c, by: weigh.build(b, side)}
	b.at = own
	o.y = b.output(x, x.shape, true, needNothing)
	b.add(o, []*block{x.data, o.by.data, o.y.data}, []*block{x.data, x.grad, o.by.data, o.by.grad, o.y.grad})
	return o.y
}

// gate is the op of SqueezeExcite that multiplies each channel.
type gate struct {
	x, by, y         tensor
	places, channels int
}

func (o *gate) Bind() {}

func (o *gate) Forward(p pass) { o.weigh(o.y.data, o.x.data, p.rows) }

func (o *gate) weigh(to, from *block, rows int) {
	c, n := o.channels, o.places*o.channels
	clear(to.data[:rows*n])
	for i := range rows {
		kernel.MulAdd(to.data[i*n:(i+1)*n], c, from.data[i*n:(i+1)*n], c, o.by.data.data[i*c:(i+1)*c], o.places, c)
	}
}

func (o *gate) Backward(p pass) {
	c, n := o.channels, o.places*o.channels
	clear(o.by.grad.data[:p.rows*c])
	for i := range p.rows {
		kernel.MulSum(o.by.grad.data[i*c:(i+1)*c], o.x.data.data[i*n:(i+1)*n], c, o.y.grad.data[i*n:(i+1)*n], c, o.places, c)
	}
	if o.x.grad != nil {
		o.weigh(o.x.grad, o.y.grad, p.rows)
	}
}
