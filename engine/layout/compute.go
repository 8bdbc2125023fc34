package layout

import "math"

// cost is the seconds of one lane for b samples: a + each·b.
type cost struct{ a, each float64 }

func (c cost) of(b float64) float64 { return c.a + c.each*b }

func (c *cost) add(d cost) { c.a, c.each = c.a+d.a, c.each+d.each }

// stage is what the layers of a stage, or of a piece of it, add up to: times of one
// lane of a tensor group, bytes of one sample on it, and its parameters.
type stage struct {
	forward, backward, again cost // again: a forward pass that is repeated
	sums, sumsAgain          cost // sums over the tensor group: forward (backward as much), again

	params      float64 // a copy of tied ones included
	two         float64 // parameters of the two largest layers
	kept        float64 // bytes kept from forward to backward
	once        float64 // of these, of the last layers, whose backward follows at once
	inputs      float64 // inputs of all layers that are repeated
	largest     float64 // most that one layer keeps
	input       float64 // of the first layer
	summed      float64 // bytes that the tensor group sums, forward
	summedAgain float64 // the same, again
	first       float64 // largest layer, for two
}

func (s *stage) join(o stage) {
	s.forward.add(o.forward)
	s.backward.add(o.backward)
	s.again.add(o.again)
	s.sums.add(o.sums)
	s.sumsAgain.add(o.sumsAgain)
	s.params += o.params
	s.kept += o.kept
	s.once += o.once
	s.inputs += o.inputs
	s.largest = max(s.largest, o.largest)
	s.summed += o.summed
	s.summedAgain += o.summedAgain
	rest := min(s.first, o.first)
	s.first = max(s.first, o.first)
	s.two = max(s.two, o.two, s.first+rest)
}

// layer is the stage of one layer, cut by tensor.
func (p *Problem) layer(k *Constants, l *Layer, tensor int, last bool) stage {
	c, m := p.Cluster, &p.Model
	t := float64(tensor)
	if l.Heads == 0 {
		t = 1
	}
	peak, reached := c.FLOPS, k.Products*math.Pow(c.FLOPS/312e12, -k.Faster)
	if m.Precision == FP8 {
		peak, reached = 2*peak, k.FP8
	}
	ridge := peak / c.Bandwidth
	var forward cost
	if l.Products > 0 {
		large := 2 * l.Products / t / (peak * reached)
		forward.each = large * (1 + k.Width*ridge*(3+t)/4/max(l.Width, 1))
		forward.a = large * k.Rows * ridge / max(l.Rows, 1)
	}
	forward.each += 2 * l.Scores / t / (c.FLOPS * k.Attention)
	forward.each += k.Moves * (l.Whole + (l.Bytes-l.Whole)/t) / c.Bandwidth
	forward.a += k.Layer
	backward := cost{2 * forward.a, 2 * forward.each}
	if l.Forward != (Seconds{}) || l.Backward != (Seconds{}) {
		forward, backward = cost{l.Forward.Once, l.Forward.Each / t}, cost{l.Backward.Once, l.Backward.Each / t}
	}
	var sums cost
	if t > 1 && l.Summed > 0 {
		g := c.tensorGroup(Plan{Tensor: tensor})
		one := k.reduce(c, g, 1<<30) - k.reduce(c, g, 1<<29) // of half a GiB, without latency
		sums = cost{k.reduce(c, g, 1e-300) * float64(l.Sums), one / (1 << 29) * l.Summed}
	}
	s := stage{forward: forward, backward: backward, sums: sums, params: l.Params / t, two: l.Params / t, first: l.Params / t,
		kept: l.KeptAll + (l.Kept-l.KeptAll)/t, input: l.Input, summed: l.Summed}
	s.largest = s.kept
	if t == 1 {
		s.summed = 0
	}
	if last { // its backward pass follows at once: nothing is repeated
		s.once = s.kept
		return s
	}
	s.again, s.sumsAgain, s.inputs, s.summedAgain = s.forward, sums, l.Input, s.summed
	s.largest *= 2 // with the gradients of what it keeps
	return s
}
