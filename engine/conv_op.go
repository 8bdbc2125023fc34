package engine

import (
	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

func (c Conv) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	y, _ := c.fuse(b, x, nil)
	return y
}

func (c Conv) fuse(b *plan.Builder, x plan.Tensor, next []Layer) (plan.Tensor, int) {
	taken, gain := behind(next)
	c = c.defaults()
	cut, whole, s := b.Cut(), c, x.Shape
	axis, in := 3, s[2] // of the weights, where they are cut; channels of the whole network
	if own := b.Own(cut); own != nil {
		switch n := plan.Length(own); cut.Kind {
		case plan.Rows:
			axis, in = 2, cut.Size
		case plan.Between:
			c.Out, c.Groups, in = n, n, cut.Size
		default:
			c.Out = n
		}
	}
	rows, columns := c.Windows(s)
	out := b.Shape(rows.Out, columns.Out, c.Out)
	per := s[2] / c.Groups // channels in of one group
	kh, kw := rows.Size, columns.Size
	b.Layer(whole, out, plan.Product(out[0], out[1], kh, kw, per, c.Out))
	o := plan.Fresh[conv](b)
	o.x, o.relu, o.late = x, taken > 0, cut != nil && cut.Kind == plan.Rows
	o.rounded = rounded{format: b.Half, w: b.Param("weight", initial(c.Init, kh*kw*in/whole.Groups, whole.Out, gain), kh, kw, per, c.Out)}
	o.w.Of(b, cut, axis, kh, kw, in/whole.Groups, whole.Out)
	if !c.NoBias {
		o.b = b.Param("bias", zeros, c.Out)
		if axis == 3 {
			o.b.Of(b, cut, 0, whole.Out)
		}
		o.sums = b.Scratch(int64(c.Out))
	}
	o.measure(rows, columns, s[2], c.Out, c.Groups)
	if b.Infer {
		out = o.absorb(b, next, out)
		taken = o.absorbed.layers
	}
	o.y = b.Output(x, out, true, plan.NeedNothing)
	var room [2][16]*plan.Block
	front := append(room[0][:0], x.Data, o.y.Data, o.rows)
	back := append(room[1][:0], x.Data, x.Grad, o.sums)
	if !b.Infer && normed(next) {
		o.y.Maker = o
		o.image = b.Scratch(plan.Product(out...))
		back = append(back, o.image)
	} else {
		back = append(back, o.y.Grad)
	}
	if o.relu {
		o.y.Need = plan.NeedSign
		back = append(back, o.y.Data)
	}
	by := pairable(o)
	o.reserve(b, by)
	front, back = append(front, o.front, o.operand), append(back, o.back, o.turned, o.grown, o.operand, o.slope)
	if by.weights {
		o.pairs = &pairConv{conv: o, by: by}
		f, g := o.pairs.scratch(b)
		front, back = append(front, f...), append(back, g...)
	}
	if cut != nil {
		f, g := o.cut(b, cut)
		front, back = append(front, f...), append(back, g...)
	}
	b.Add(o, front, back)
	return o.y, taken
}

// absorb takes along what is behind it in inference, and returns the shape of what that
// gives.
func (o *conv) absorb(b *plan.Builder, next []Layer, out data.Shape) data.Shape {
	pool := o.format == kernel.Float32 && !o.pixelwise() && !o.late
	o.absorbed = absorb(b, next, out, pool)
	o.relu, o.b = o.absorbed.relu, o.absorbed.biased(b, o.b, o.oc)
	if o.absorbed.pool {
		o.rows = b.Scratch(plan.Product(o.strip(), o.ow, o.oc))
		out = windows(out, 2)
	}
	return out
}

func (o *conv) fold() { o.absorbed.fold(o.w, o.b) }

// measure sets the sizes of the images in and out, and of the padding.
func (o *conv) measure(rows, columns Window, in, out, groups int) {
	o.h, o.wide, o.c, o.oh, o.ow, o.oc, o.groups = rows.In, columns.In, in, rows.Out, columns.Out, out, groups
	o.kh, o.sh, o.dh, o.top = rows.Size, rows.Stride, rows.Dilation, rows.Before
	o.kw, o.sw, o.dw, o.left = columns.Size, columns.Stride, columns.Dilation, columns.Before
	o.ph, o.pw = rows.padded(), columns.padded()
	if o.pixelwise() && o.format != kernel.Float32 { // one row of pixels
		o.h, o.wide, o.oh, o.ow = 1, o.h*o.wide, 1, o.oh*o.ow
		o.ph, o.pw = o.h, o.wide
	}
}

// reserve makes the scratch memory that the op needs, given what goes by pairs.
func (o *conv) reserve(b *plan.Builder, by pairing) {
	back := o.x.Grad != nil // there is a gradient of the input
	if o.padded() && !by.forward {
		o.front = b.Scratch(plan.Product(o.ph, o.pw, o.c))
	}
	if o.padded() && (!by.weights || o.framed()) {
		o.back = b.Scratch(plan.Product(o.ph, o.pw, o.c))
	}
	if back && (!o.depthwise() || o.turns()) {
		o.turned = b.Scratch(o.w.Size)
	}
	switch {
	case !back || by.input && o.turns():
	case !o.turns():
		o.grown = b.Scratch(plan.Product(o.ph, o.pw, o.c))
	case o.kh > 1 || o.kw > 1:
		o.grown = b.Scratch(plan.Product(o.h+o.kh-1, o.wide+o.kw-1, o.oc))
	}
	if o.format != kernel.Float32 {
		if !by.forward || back && !by.input {
			o.operand = b.Scratch(o.w.Size)
		}
		if !by.weights || back && !by.input {
			o.slope = b.Scratch(plan.Product(o.oh, o.ow, o.oc))
		}
	}
}

// conv is the op of Conv. Images are padded one at a time in scratch memory and
// then read in place: a row of outputs is one product of matrices whose inner
// dimension consists of the rows of the window (an implicit im2col).
type conv struct {
	x, y       plan.Tensor
	h, wide, c int // image in
	oh, ow, oc int // image out
	groups     int
	kh, sh, dh int // rows of a window, their distance from window to window and within one
	kw, sw, dw int // the same of columns
	top, left  int // rows and columns of padding before the image
	ph, pw     int // padded height and width
	relu       bool
	late       bool // bias and ReLU come behind the sum of all parts
	rounded         // weights: kh × kw × c/groups × oc
	b          *plan.Param

	absorbed absorbed    // in inference
	rows     *plan.Block // some rows of outputs, if the maximum of their windows is absorbed

	norm        *batchNorm  // right behind it, or nil; see there
	image       *plan.Block // gradient of one image out, if there is a norm
	sums        *plan.Block // of the gradient of one image, if there is a bias
	front, back *plan.Block // one padded image; nil where nothing is padded
	turned      *plan.Block // weights with in and out exchanged
	grown       *plan.Block // one padded gradient, of the output (turns; nil if that needs no padding) or of the input
	pairs       *pairConv   // the products of pairs of bfloat16; or nil

	product, dweights, dx kernel.Gemm

	parts *convParts        // of the channels, computed in turn; or nil
	sum   func(x []float32) // of all parts, of the output (late) or else of the gradient of the input; or nil
}

// padded reports whether an image is copied before it is read: into a frame of zeros,
// or to round it.
func (o *conv) padded() bool { return o.framed() || o.format != kernel.Float32 }

func (o *conv) framed() bool    { return o.ph != o.h || o.pw != o.wide }
func (o *conv) depthwise() bool { return o.groups == o.c && o.groups == o.oc && o.groups > 1 }

// turns reports whether the gradient of the input is itself a convolution: of the
// padded gradient of the output, with the turned weights.
func (o *conv) turns() bool {
	if o.sh != 1 || o.sw != 1 || o.dh != 1 || o.dw != 1 || o.groups != 1 && !o.small() {
		return false
	}
	// No window may lie in the padding alone.
	return o.top < o.kh && o.left < o.kw && o.oh+o.kh-1-o.top <= o.h+o.kh-1 && o.ow+o.kw-1-o.left <= o.wide+o.kw-1
}

// small reports whether it is a depthwise convolution that has kernels of its own.
func (o *conv) small() bool {
	return o.depthwise() && o.kh == 3 && o.kw == 3 && o.dh == 1 && o.dw == 1
}

// whole reports whether a row of a window is one piece of the padded image.
func (o *conv) whole() bool { return o.groups == 1 && o.dw == 1 }

// pixelwise reports whether pixels do not mix; pointwise whether moreover the whole batch
// is one product of what lies there.
func (o *conv) pixelwise() bool {
	return o.kh == 1 && o.kw == 1 && o.sh == 1 && o.sw == 1 && o.groups == 1 && o.oh == o.h && o.ow == o.wide
}
func (o *conv) pointwise() bool { return o.pixelwise() && !o.padded() }

func (o *conv) Bind() {
	if o.pairs != nil {
		o.pairs.bind()
	}
	if o.parts != nil {
		o.parts.bind(o)
	}
	per, row := o.c/o.groups, o.sw*o.c
	g := kernel.Gemm{N: o.oc / o.groups, RowA: row, ColA: 1, RowB: o.oc, RowC: o.oc, SegA: o.dh * o.pw * o.c}
	if o.whole() {
		g.K, g.Segs = o.kw*o.c, o.kh
	} else {
		g.K, g.Segs, g.SegA = per, o.kw, o.dw*o.c
	}
	o.product = g
	o.dweights = kernel.Gemm{
		M: o.kw * o.c, N: o.oc, K: o.ow, Segs: o.oh,
		RowA: 1, ColA: row, SegA: o.sh * o.pw * o.c, RowB: o.oc, RowC: o.oc,
	}
	if !o.whole() {
		o.dweights.M, o.dweights.N = per, o.oc/o.groups
	}
	if o.turns() {
		o.dx = kernel.Gemm{
			M: o.wide, N: o.c, K: o.kw * o.oc, Segs: o.kh,
			RowA: o.oc, ColA: 1, SegA: (o.wide + o.kw - 1) * o.oc, RowB: o.c, RowC: o.c,
		}
	} else {
		o.dx = kernel.Gemm{M: o.ow, N: per, K: o.oc / o.groups, RowA: o.oc, ColA: 1, RowB: per, RowC: row, Add: true}
	}
}

func (o *conv) Forward(p plan.Pass) {
	if o.late {
		o.forwardCut(p)
		return
	}
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	if o.pointwise() {
		g := &o.product
		g.M, g.A, g.B, g.C = p.Rows*o.h*o.wide, o.x.Data.Floats, o.taps(), o.y.Data.Floats
		g.Bias, g.ReLU = o.bias(), o.relu
		g.Run()
		if o.norm != nil {
			o.norm.gather(p, o.y.Data.Floats[:p.Rows*out])
		}
		return
	}
	o.begin()
	for i := range p.Rows {
		x, y := o.x.Data.Floats[i*in:(i+1)*in], o.y.Data.Floats[i*out:(i+1)*out]
		o.outputs(y, x)
		if o.norm != nil {
			o.norm.gather(p, y)
		}
	}
}

// begin prepares the weights for a forward pass.
func (o *conv) begin() {
	if o.pairs != nil && o.pairs.by.forward {
		o.pairs.begin()
	}
	o.round()
	o.clear(o.front)
}

// outputs computes one image out from one in.
func (o *conv) outputs(y, x []float32) {
	if o.pairs != nil && o.pairs.by.forward {
		o.pairs.outputs(y, x)
		return
	}
	x = o.pad(o.front, x, o.format)
	if o.absorbed.pool {
		o.pooled(y, x)
		return
	}
	o.lines(y, x, o.oh)
}

// pooled computes the maxima of windows of outputs, from an even number of rows of them
// at a time.
func (o *conv) pooled(y, x []float32) {
	line, step := o.ow*o.oc, o.sh*o.pw*o.c
	some := len(o.rows.Floats) / line
	for r := 0; r+2 <= o.oh; r += some {
		n := min(some, (o.oh-r)&^1)
		o.lines(o.rows.Floats[:n*line], x[r*step:], n)
		kernel.Pool{H: n, W: o.ow, C: o.oc, Size: 2}.Max(y[r/2*(o.ow/2)*o.oc:], o.rows.Floats)
	}
}

// stripFloats is about the size of the rows of outputs whose windows are taken together:
// half of a first-level cache.
const stripFloats = 4 << 10

// strip is the number of these rows.
func (o *conv) strip() int {
	return min(max(stripFloats/(o.ow*o.oc)&^1, 2), o.oh&^1)
}

// lines computes n rows of outputs; x starts at the first row of the first window.
func (o *conv) lines(y, x []float32, n int) {
	line, step := o.ow*o.oc, o.sh*o.pw*o.c
	if !o.whole() {
		for r := range n {
			o.row(y[r*line:(r+1)*line], x[r*step:])
		}
		return
	}
	g := &o.product
	g.M, g.Lines, g.LineA, g.LineC = o.ow, n, step, line
	g.A, g.B, g.C, g.Bias, g.ReLU = x, o.taps(), y, o.bias(), o.relu && !o.late
	g.Run()
	g.Lines = 1
}

// row computes one row of outputs of several groups, or of windows with gaps; x starts at
// the first row of its window.
func (o *conv) row(y, x []float32) {
	if o.small() {
		kernel.Depthwise{C: o.c, Width: o.pw, Stride: o.sw}.Row(y, x, o.taps(), o.bias(), o.ow)
		if o.relu {
			kernel.ReLU(y, y)
		}
		return
	}
	if o.depthwise() {
		for i := range o.ow {
			if o.b != nil {
				copy(y[i*o.oc:], o.b.W)
			} else {
				clear(y[i*o.oc : (i+1)*o.oc])
			}
		}
		for t := range o.kh * o.kw {
			kernel.MulAdd(y, o.oc, x[o.tap(t):], o.sw*o.c, o.taps()[t*o.c:], o.ow, o.c)
		}
		if o.relu {
			kernel.ReLU(y, y)
		}
		return
	}
	g := &o.product
	g.M = o.ow
	per, perOut := o.c/o.groups, o.oc/o.groups
	for q := range o.groups {
		for r := range o.kh {
			g.A, g.B, g.C = x[r*o.dh*o.pw*o.c+q*per:], o.taps()[r*o.kw*per*o.oc+q*perOut:], y[q*perOut:]
			g.Add, g.ReLU, g.Bias = r > 0, o.relu && !o.late && r == o.kh-1, nil
			if b := o.bias(); r == 0 && b != nil {
				g.Bias = b[q*perOut:]
			}
			g.Run()
		}
	}
}

// tap is where pixel t of a window lies in the padded image, from where that begins.
func (o *conv) tap(t int) int { return (t/o.kw*o.dh*o.pw + t%o.kw*o.dw) * o.c }

func (o *conv) bias() []float32 {
	if o.b == nil || o.late {
		return nil
	}
	return o.b.W
}

// clear zeroes the border of a padded image (and all the rest).
func (o *conv) clear(to *plan.Block) {
	if to != nil {
		clear(to.Floats)
	}
}

// pad returns the image with its padding and in a format, copied into the
// cleared block if there is any.
func (o *conv) pad(to *plan.Block, x []float32, f kernel.Format) []float32 {
	if to == nil {
		return x
	}
	inset(to.Floats, x, o.h, o.wide*o.c, o.top, o.left*o.c, o.pw*o.c, f)
	return to.Floats
}

// inset copies a matrix of rows × cols, rounded to a format, into one with rows
// of width, at (top, left).
func inset(dst, src []float32, rows, cols, top, left, width int, f kernel.Format) {
	for r := range rows {
		kernel.Round(dst[(r+top)*width+left:][:cols], src[r*cols:(r+1)*cols], f)
	}
}
