package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// SqueezeExcite weighs each channel of an image or feature of a sequence by a
// number from 0 to 1 that it computes from the means of all channels: a [Dense]
// to channels/Ratio with ReLU, another back with sigmoid (Hu et al. 2018) or another gate.
type SqueezeExcite struct {
	Ratio  int   // 0 means 4; the width between is at least 1
	Hidden int   // the width between; 0 means channels/Ratio
	Gate   Layer // the activation behind the second Dense; nil means Sigmoid{}
}

// Infer gives the input shape.
func (s SqueezeExcite) Infer(in data.Shape) (data.Shape, error) {
	if err := spread(s, in); err != nil {
		return nil, err
	}
	if err := sized(s, "hidden width", s.Hidden, 0); err != nil {
		return nil, err
	}
	if s.Gate != nil {
		c := in[len(in)-1:]
		if out, err := s.Gate.Infer(c); err != nil || !out.Equal(c) {
			return nil, fmt.Errorf("%v: the gate %v does not keep the shape %v: %v", s, s.Gate, c, err)
		}
	}
	return in, sized(s, "ratio", s.Ratio, 0)
}

// String is SqueezeExcite(Ratio), or SqueezeExcite(width Hidden), with the gate where it is
// not the default.
func (s SqueezeExcite) String() string {
	gate := ""
	if s.Gate != nil {
		gate = ", " + s.Gate.String()
	}
	if s.Hidden > 0 {
		return fmt.Sprintf("SqueezeExcite(width %d%s)", s.Hidden, gate)
	}
	return fmt.Sprintf("SqueezeExcite(%d%s)", s.ratio(), gate)
}

// Layers are those that compute the weights of so many channels.
func (s SqueezeExcite) Layers(channels int) Seq {
	hidden := s.Hidden
	if hidden == 0 {
		hidden = max(channels/s.ratio(), 1)
	}
	var gate Layer = Sigmoid{}
	if s.Gate != nil {
		gate = s.Gate
	}
	return Seq{GlobalAvgPool{}, Dense{Out: hidden}, ReLU{}, Dense{Out: channels}, gate}
}

func (s SqueezeExcite) ratio() int {
	if s.Ratio == 0 {
		return 4
	}
	return s.Ratio
}

func (s SqueezeExcite) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	c := x.Shape[len(x.Shape)-1]
	own := b.Layer(s, x.Shape, 0)
	side := b.Split(x)
	o := &gate{x: x, places: plan.Places(x.Shape), channels: c, by: s.Layers(c).build(b, side)}
	b.At = own
	o.y = b.Output(x, x.Shape, true, plan.NeedNothing)
	b.Add(o, []*plan.Block{x.Data, o.by.Data, o.y.Data}, []*plan.Block{x.Data, x.Grad, o.by.Data, o.by.Grad, o.y.Grad})
	return o.y
}

// gate is the op of SqueezeExcite that multiplies each channel.
type gate struct {
	x, by, y         plan.Tensor
	places, channels int
}

func (o *gate) Bind() {}

func (o *gate) Forward(p plan.Pass) { o.weigh(o.y.Data, o.x.Data, p.Rows) }

func (o *gate) weigh(to, from *plan.Block, rows int) {
	c, n := o.channels, o.places*o.channels
	clear(to.Floats[:rows*n])
	for i := range rows {
		kernel.MulAdd(to.Floats[i*n:(i+1)*n], c, from.Floats[i*n:(i+1)*n], c, o.by.Data.Floats[i*c:(i+1)*c], o.places, c)
	}
}

func (o *gate) Backward(p plan.Pass) {
	c, n := o.channels, o.places*o.channels
	clear(o.by.Grad.Floats[:p.Rows*c])
	for i := range p.Rows {
		kernel.MulSum(o.by.Grad.Floats[i*c:(i+1)*c], o.x.Data.Floats[i*n:(i+1)*n], c, o.y.Grad.Floats[i*n:(i+1)*n], c, o.places, c)
	}
	if o.x.Grad != nil {
		o.weigh(o.x.Grad, o.y.Grad, p.Rows)
	}
}
