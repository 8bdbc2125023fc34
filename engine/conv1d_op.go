package engine

import "budwood/engine/kernel"

func (c Conv1D) build(b *builder, x tensor) tensor {
	y, _ := c.fuse(b, x, nil)
	return y
}

func (c Conv1D) fuse(b *builder, x tensor, next []Layer) (tensor, int) {
	taken, gain := behind(next)
	relu := taken > 0
	c = c.defaults()
	s := x.shape
	out, err := c.Infer(s)
	if err != nil {
		return x, 0
	}
	per := s[1] / c.Groups
	b.layer(c, out, product(out[0], c.Kernel, per, c.Out))
	o := &conv1d{
		x: x, relu: relu, steps: s[0], c: s[1], ot: out[0], oc: c.Out,
		k: c.Kernel, stride: c.Stride, dilation: c.Dilation, groups: c.Groups,
		rounded: rounded{format: b.half, w: b.param("weight", initial(c.Init, c.Kernel*per, c.Out, gain), c.Kernel, per, c.Out)},
	}
	if !c.NoBias {
		o.b = b.param("bias", zeros, c.Out)
	}
	o.before = c.before(o.steps, o.ot)
	o.long = max(o.before+o.steps, (o.ot-1)*o.stride+c.span())
	o.y = b.output(x, out, true, needNothing)
	front, back := []*block{x.data, o.y.data}, []*block{x.data, x.grad, o.y.grad}
	if relu {
		o.y.need = needSign
		back = append(back, o.y.data)
	}
	if o.long > o.steps || o.format != kernel.Float32 {
		o.front, o.back = b.scratch(product(o.long, o.c)), b.scratch(product(o.long, o.c))
		front, back = append(front, o.front), append(back, o.back)
	}
	if x.grad != nil {
		o.turned, o.grown = b.scratch(o.w.size), b.scratch(product(o.long, o.c))
		back = append(back, o.turned, o.grown)
	}
	if o.format != kernel.Float32 {
		o.operand, o.slope = b.scratch(o.w.size), b.scratch(product(o.ot, o.oc))
		front, back = append(front, o.operand), append(back, o.operand, o.slope)
	}
	o.plan()
	b.add(o, front, back)
	return o.y, taken
}

// conv1d is the op of Conv1D. Sequences are padded one at a time in scratch
// memory and then read in place: a window is a row of the matrix product whose
// inner dimension jumps from tap to tap.
type conv1d struct {
	x, y                        tensor
	steps, c                    int // in
	ot, oc                      int // out
	k, stride, dilation, groups int
	before                      int // zeros before the sequence
	long                        int // padded steps
	relu                        bool
	rounded                     // weights: k × c/groups × oc
	b                           *param

	front, back *block // one padded sequence in the format; nil where that is the sequence itself
	turned      *block // weights of each tap with in and out exchanged
	grown       *block // gradient of one padded sequence

	product, dw, dx kernel.Gemm
}

// plan sets the dimensions of the products: of all taps forward, else of one.
func (o *conv1d) plan() {
	per, out := o.c/o.groups, o.oc/o.groups
	o.product = kernel.Gemm{
		M: o.ot, N: out, K: per, RowA: o.stride * o.c, ColA: 1, Segs: o.k, SegA: o.dilation * o.c, RowB: o.oc, RowC: o.oc, ReLU: o.relu,
	}
	o.dw = kernel.Gemm{M: per, N: out, K: o.ot, RowA: 1, ColA: o.stride * o.c, RowB: o.oc, RowC: o.oc}
	o.dx = kernel.Gemm{M: o.ot, N: per, K: out, RowA: o.oc, ColA: 1, RowB: per, RowC: o.stride * o.c, Add: true}
}

func (o *conv1d) Bind() {}

func (o *conv1d) depthwise() bool { return o.groups == o.c && o.groups == o.oc && o.groups > 1 }

// pad returns the sequence with its zeros and in the format, copied into scratch
// memory if that changes it.
func (o *conv1d) pad(to *block, x []float32) []float32 {
	if to == nil {
		return x
	}
	clear(to.data[:o.before*o.c])
	kernel.Round(to.data[o.before*o.c:][:len(x)], x, o.format)
	clear(to.data[(o.before+o.steps)*o.c:])
	return to.data
}

func (o *conv1d) Forward(p pass) {
	in, out := o.x.shape.Size(), o.y.shape.Size()
	o.round()
	for i := range p.rows {
		o.sequence(o.y.data.data[i*out:(i+1)*out], o.pad(o.front, o.x.data.data[i*in:(i+1)*in]))
	}
}

// sequence computes the output of one padded sequence.
func (o *conv1d) sequence(y, x []float32) {
	if o.depthwise() {
		for i := range o.ot {
			if o.b != nil {
				copy(y[i*o.oc:], o.b.w)
			} else {
				clear(y[i*o.oc : (i+1)*o.oc])
			}
		}
		for t := range o.k {
			kernel.MulAdd(y, o.oc, x[t*o.dilation*o.c:], o.stride*o.c, o.taps()[t*o.c:], o.ot, o.c)
		}
		if o.relu {
			kernel.ReLU(y, y)
		}
		return
	}
	per, out := o.c/o.groups, o.oc/o.groups
	g := &o.product
	for q := range o.groups {
		g.A, g.B, g.C = x[q*per:], o.taps()[q*out:], y[q*out:]
		if o.b != nil {
			g.Bias = o.b.w[q*out:]
		}
		g.Run()
	}
}

func (o *conv1d) Backward(p pass) {
	in, out := o.x.shape.Size(), o.y.shape.Size()
	dy := o.y.grad.data[:p.rows*out]
	if o.relu {
		kernel.ReLUBack(dy, dy, o.y.data.data[:len(dy)])
	}
	if o.b != nil {
		kernel.ColSum(o.b.g, dy, p.rows*o.ot, o.oc)
	}
	if o.depthwise() {
		clear(o.w.g)
	}
	o.round()
	per := o.c / o.groups
	if o.x.grad != nil && !o.depthwise() {
		for t := range o.k {
			kernel.Transpose(o.turned.data[t*per*o.oc:], per, o.taps()[t*per*o.oc:], o.oc, per, o.oc)
		}
	}
	for i := range p.rows {
		dy := o.sloped(dy[i*out : (i+1)*out])
		o.weights(o.pad(o.back, o.x.data.data[i*in:(i+1)*in]), dy, i > 0)
		if o.x.grad != nil {
			o.scatter(o.x.grad.data[i*in:(i+1)*in], dy)
		}
	}
}

// weights computes the gradient of the weights for one padded sequence, added to
// what is there if add is set.
func (o *conv1d) weights(x, dy []float32, add bool) {
	per, out := o.c/o.groups, o.oc/o.groups
	for t := range o.k {
		x := x[t*o.dilation*o.c:]
		if o.depthwise() {
			kernel.MulSum(o.w.g[t*o.c:], x, o.stride*o.c, dy, o.oc, o.ot, o.c)
			continue
		}
		for q := range o.groups {
			g := &o.dw
			g.A, g.B, g.C, g.Add = x[q*per:], dy[q*out:], o.w.g[t*per*o.oc+q*out:], add
			g.Run()
		}
	}
}

// scatter adds each output's gradient to the steps of its window, on a padded
// sequence.
func (o *conv1d) scatter(dx, dy []float32) {
	x := o.grown.data
	clear(x)
	per, out := o.c/o.groups, o.oc/o.groups
	for t := range o.k {
		x := x[t*o.dilation*o.c:]
		if o.depthwise() {
			kernel.MulAdd(x, o.stride*o.c, dy, o.oc, o.taps()[t*o.c:], o.ot, o.c)
			continue
		}
		for q := range o.groups {
			g := &o.dx
			g.A, g.B, g.C = dy[q*out:], o.turned.data[(t*o.oc+q*out)*per:], x[q*per:]
			g.Run()
		}
	}
	copy(dx, x[o.before*o.c:])
}
