package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// backward goes image by image, so that what one pass over an image leaves in
// the cache serves the next.
func (o *conv) Backward(p plan.Pass) {
	in := o.x.Shape.Size()
	if o.b != nil {
		clear(o.b.G)
	}
	if o.depthwise() {
		clear(o.w.G)
	}
	o.clear(o.back)
	o.round()
	if o.parts != nil && !o.late {
		o.parts.beginBack()
	} else if o.x.Grad != nil {
		o.beginBack()
	}
	for i := range p.Rows {
		dy := o.gradient(i)
		if o.b != nil {
			kernel.ColSum(o.sums.Floats, dy, o.oh*o.ow, o.oc)
			kernel.Add(o.b.G, o.sums.Floats)
		}
		if x := o.x.Data.Floats[i*in : (i+1)*in]; o.pairs != nil {
			o.pairs.gradient(o.pad(o.back, x, kernel.Float32), dy, i > 0)
		} else {
			o.weights(o.pad(o.back, x, o.format), o.sloped(dy), i > 0)
		}
		if o.x.Grad == nil {
			continue
		}
		if dx := o.x.Grad.Floats[i*in : (i+1)*in]; o.parts != nil && !o.late {
			o.parts.inputs(dx, dy)
		} else {
			o.inputs(dx, dy)
		}
	}
	if o.sum != nil && !o.late && o.x.Grad != nil {
		o.sum(o.x.Grad.Floats[:p.Rows*in])
	}
}

// beginBack prepares the weights for the gradients of inputs.
func (o *conv) beginBack() {
	o.turn()
	if o.turns() {
		o.clear(o.grown)
	}
	if o.pairs != nil {
		o.pairs.beginBack()
	}
}

// inputs computes the gradient of one image in from that of one out.
func (o *conv) inputs(dx, dy []float32) {
	switch {
	case o.pairs != nil && o.pairs.by.input:
		o.pairs.inputs(dx, dy)
	case o.turns():
		o.correlate(dx, o.sloped(dy))
	default:
		o.scatter(dx, o.sloped(dy))
	}
}

// gradient is that of the output image i, before the ReLU.
func (o *conv) gradient(i int) []float32 {
	if o.norm != nil {
		o.norm.input(o.image.Floats, i)
		return o.image.Floats
	}
	out := o.y.Shape.Size()
	dy := o.y.Grad.Floats[i*out : (i+1)*out]
	if o.relu {
		kernel.ReLUBack(dy, dy, o.y.Data.Floats[i*out:(i+1)*out])
	}
	return dy
}

// weights computes the gradient of the weights for one padded image, added to
// what is there if add is set.
func (o *conv) weights(x, dy []float32, add bool) {
	g := &o.dweights
	g.Add = add
	switch {
	case o.small():
		d := kernel.Depthwise{C: o.c, Width: o.pw, Stride: o.sw}
		for r := range o.oh {
			d.Sums(o.w.G, x[r*o.sh*o.pw*o.c:], dy[r*o.ow*o.c:], o.ow)
		}
	case o.depthwise():
		for r := range o.oh {
			for t := range o.kh * o.kw {
				at := r*o.sh*o.pw*o.c + o.tap(t)
				kernel.MulSum(o.w.G[t*o.c:], x[at:], o.sw*o.c, dy[r*o.ow*o.oc:], o.oc, o.ow, o.c)
			}
		}
	case o.whole():
		for r := range o.kh {
			g.A, g.B, g.C = x[r*o.dh*o.pw*o.c:], dy, o.w.G[r*o.kw*o.c*o.oc:]
			g.Run()
		}
	default:
		per, perOut := o.c/o.groups, o.oc/o.groups
		for t := range o.kh * o.kw {
			for q := range o.groups {
				g.A, g.B, g.C = x[o.tap(t)+q*per:], dy[q*perOut:], o.w.G[t*per*o.oc+q*perOut:]
				g.Run()
			}
		}
	}
}

// turn exchanges in and out in the weights of every tap; for correlate the taps
// also come in reverse order, which turns the kernel by 180°.
func (o *conv) turn() {
	if o.turned == nil {
		return
	}
	taps, per := o.kh*o.kw, o.c/o.groups
	for t := range taps {
		to := t
		if o.turns() {
			to = taps - 1 - t
		}
		if o.depthwise() {
			copy(o.turned.Floats[to*o.c:(to+1)*o.c], o.taps()[t*o.c:])
			continue
		}
		kernel.Transpose(o.turned.Floats[to*per*o.oc:], per, o.taps()[t*per*o.oc:], o.oc, per, o.oc)
	}
}

// correlate computes the gradient of one input as a convolution of the padded
// gradient of the output.
func (o *conv) correlate(dx, dy []float32) {
	g := &o.dx
	g.B = o.turned.Floats
	if o.kh == 1 && o.kw == 1 {
		g.M, g.A, g.C = o.h*o.wide, dy, dx
		g.Run()
		return
	}
	wide := o.wide + o.kw - 1
	inset(o.grown.Floats, dy, o.oh, o.ow*o.oc, o.kh-1-o.top, (o.kw-1-o.left)*o.oc, wide*o.oc, kernel.Float32)
	if !o.depthwise() {
		g.Lines, g.LineA, g.LineC, g.A, g.C = o.h, wide*o.oc, o.wide*o.c, o.grown.Floats, dx
		g.Run()
		g.Lines = 1
		return
	}
	for r := range o.h {
		kernel.Depthwise{C: o.c, Width: wide, Stride: 1}.Row(dx[r*o.wide*o.c:], o.grown.Floats[r*wide*o.oc:], o.turned.Floats, nil, o.wide)
	}
}

// scatter adds each output's gradient to the inputs in its window, on a padded
// image.
func (o *conv) scatter(dx, dy []float32) {
	x := o.grown.Floats
	clear(x)
	g := &o.dx
	per, perOut := o.c/o.groups, o.oc/o.groups
	for r := range o.oh {
		row := dy[r*o.ow*o.oc : (r+1)*o.ow*o.oc]
		for t := range o.kh * o.kw {
			at := r*o.sh*o.pw*o.c + o.tap(t)
			if o.depthwise() {
				kernel.MulAdd(x[at:], o.sw*o.c, row, o.oc, o.taps()[t*o.c:], o.ow, o.c)
				continue
			}
			for q := range o.groups {
				g.A, g.B, g.C = row[q*perOut:], o.turned.Floats[(t*o.oc+q*perOut)*per:], x[at+q*per:]
				g.Run()
			}
		}
	}
	o.unframe(dx)
}

// unframe copies the gradient of the input from within its padding.
func (o *conv) unframe(dx []float32) {
	for r := range o.h {
		copy(dx[r*o.wide*o.c:(r+1)*o.wide*o.c], o.grown.Floats[((r+o.top)*o.pw+o.left)*o.c:])
	}
}
