package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

func (c Conv1D) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	y, _ := c.fuse(b, x, nil)
	return y
}

func (c Conv1D) fuse(b *plan.Builder, x plan.Tensor, next []Layer) (plan.Tensor, int) {
	taken, gain := behind(next)
	c = c.defaults()
	s := x.Shape
	out, err := c.Infer(s)
	if err != nil {
		return x, 0
	}
	per := s[1] / c.Groups
	b.Layer(c, out, plan.Product(out[0], c.Kernel, per, c.Out))
	o := &conv1d{
		x: x, relu: taken > 0, steps: s[0], c: s[1], ot: out[0], oc: c.Out,
		k: c.Kernel, stride: c.Stride, dilation: c.Dilation, groups: c.Groups,
		rounded: rounded{format: b.Half, w: b.Param("weight", initial(c.Init, c.Kernel*per, c.Out, gain), c.Kernel, per, c.Out)},
	}
	if !c.NoBias {
		o.b = b.Param("bias", zeros, c.Out)
	}
	if b.Infer {
		o.absorbed = absorb(b, next, out, false)
		taken, o.relu, o.b = o.absorbed.layers, o.absorbed.relu, o.absorbed.biased(b, o.b, c.Out)
	}
	w := c.Window(s)
	o.before, o.long = w.Before, w.padded()
	o.y = b.Output(x, out, true, plan.NeedNothing)
	front, back := []*plan.Block{x.Data, o.y.Data}, []*plan.Block{x.Data, x.Grad, o.y.Grad}
	if o.relu {
		o.y.Need = plan.NeedSign
		back = append(back, o.y.Data)
	}
	if o.long > o.steps || o.format != kernel.Float32 {
		o.front, o.back = b.Scratch(plan.Product(o.long, o.c)), b.Scratch(plan.Product(o.long, o.c))
		front, back = append(front, o.front), append(back, o.back)
	}
	if x.Grad != nil {
		o.turned, o.grown = b.Scratch(o.w.Size), b.Scratch(plan.Product(o.long, o.c))
		back = append(back, o.turned, o.grown)
	}
	if o.format != kernel.Float32 {
		o.operand, o.slope = b.Scratch(o.w.Size), b.Scratch(plan.Product(o.ot, o.oc))
		front, back = append(front, o.operand), append(back, o.operand, o.slope)
	}
	o.plan()
	b.Add(o, front, back)
	return o.y, taken
}

// conv1d is the op of Conv1D. Sequences are padded one at a time in scratch
// memory and then read in place: a window is a row of the matrix product whose
// inner dimension jumps from tap to tap.
type conv1d struct {
	x, y                        plan.Tensor
	steps, c                    int // in
	ot, oc                      int // out
	k, stride, dilation, groups int
	before                      int // zeros before the sequence
	long                        int // padded steps
	relu                        bool
	rounded                     // weights: k × c/groups × oc
	b                           *plan.Param

	front, back *plan.Block // one padded sequence in the format; nil where that is the sequence itself
	turned      *plan.Block // weights of each tap with in and out exchanged
	grown       *plan.Block // gradient of one padded sequence
	absorbed    absorbed    // in inference

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

func (o *conv1d) fold() { o.absorbed.fold(o.w, o.b) }

func (o *conv1d) depthwise() bool { return o.groups == o.c && o.groups == o.oc && o.groups > 1 }

// pad returns the sequence with its zeros and in the format, copied into scratch
// memory if that changes it.
func (o *conv1d) pad(to *plan.Block, x []float32) []float32 {
	if to == nil {
		return x
	}
	clear(to.Floats[:o.before*o.c])
	kernel.Round(to.Floats[o.before*o.c:][:len(x)], x, o.format)
	clear(to.Floats[(o.before+o.steps)*o.c:])
	return to.Floats
}

func (o *conv1d) Forward(p plan.Pass) {
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	o.round()
	for i := range p.Rows {
		o.sequence(o.y.Data.Floats[i*out:(i+1)*out], o.pad(o.front, o.x.Data.Floats[i*in:(i+1)*in]))
	}
}

// sequence computes the output of one padded sequence.
func (o *conv1d) sequence(y, x []float32) {
	if o.depthwise() {
		for i := range o.ot {
			if o.b != nil {
				copy(y[i*o.oc:], o.b.W)
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
			g.Bias = o.b.W[q*out:]
		}
		g.Run()
	}
}

func (o *conv1d) Backward(p plan.Pass) {
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	dy := o.y.Grad.Floats[:p.Rows*out]
	if o.relu {
		kernel.ReLUBack(dy, dy, o.y.Data.Floats[:len(dy)])
	}
	if o.b != nil {
		kernel.ColSum(o.b.G, dy, p.Rows*o.ot, o.oc)
	}
	if o.depthwise() {
		clear(o.w.G)
	}
	o.round()
	per := o.c / o.groups
	if o.x.Grad != nil && !o.depthwise() {
		for t := range o.k {
			kernel.Transpose(o.turned.Floats[t*per*o.oc:], per, o.taps()[t*per*o.oc:], o.oc, per, o.oc)
		}
	}
	for i := range p.Rows {
		dy := o.sloped(dy[i*out : (i+1)*out])
		o.weights(o.pad(o.back, o.x.Data.Floats[i*in:(i+1)*in]), dy, i > 0)
		if o.x.Grad != nil {
			o.scatter(o.x.Grad.Floats[i*in:(i+1)*in], dy)
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
			kernel.MulSum(o.w.G[t*o.c:], x, o.stride*o.c, dy, o.oc, o.ot, o.c)
			continue
		}
		for q := range o.groups {
			g := &o.dw
			g.A, g.B, g.C, g.Add = x[q*per:], dy[q*out:], o.w.G[t*per*o.oc+q*out:], add
			g.Run()
		}
	}
}

// scatter adds each output's gradient to the steps of its window, on a padded
// sequence.
func (o *conv1d) scatter(dx, dy []float32) {
	x := o.grown.Floats
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
			g.A, g.B, g.C = dy[q*out:], o.turned.Floats[(t*o.oc+q*out)*per:], x[q*per:]
			g.Run()
		}
	}
	copy(dx, x[o.before*o.c:])
}
