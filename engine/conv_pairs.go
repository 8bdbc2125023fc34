package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// pairConv computes a convolution in one group from pairs of bfloat16, where the
// processor has instructions for them. An image, or a gradient, is rounded once
// for all the rows and taps that read it. The gradient of the weights pairs
// pixels that follow each other in a row of outputs; the output pairs channels
// in and the gradient of the input channels out, if their number is even. What
// is odd is left to products of rounded operands in float32.
type pairConv struct {
	*conv
	by pairing

	image, kernels *plan.Block // forward: the padded image, the weights
	apart, pixels  *plan.Block // gradient of the weights: pixels of the padded image, of the gradient of the output
	frame, turns   *plan.Block // gradient of the input: the gradient of the output, padded if that turns; the weights

	product, dw, dx kernel.Pairs
}

// pairing is what is computed by pairs; nothing is if weights is false.
type pairing struct{ weights, forward, input bool }

// pairable is what of a convolution is computed by pairs.
func pairable(o *conv) pairing {
	yes := o.format == kernel.BFloat16 && kernel.HasBFloat16() && o.groups == 1 && o.dh == 1 && o.dw == 1
	return pairing{yes, yes && o.c%2 == 0, yes && o.oc%2 == 0 && o.x.Grad != nil}
}

// scratch makes the blocks and returns those of the forward and of the backward
// pass.
func (q *pairConv) scratch(b *plan.Builder) (front, back []*plan.Block) {
	o := q.conv
	taps := o.kh * o.kw
	words := func(n int) *plan.Block { return b.Scratch(int64(n)) }
	if q.by.forward {
		q.image, q.kernels = words(o.ph*o.pw*o.c/2), words(kernel.PairsPackSize(1, taps*o.c, o.oc))
	}
	if q.by.weights {
		q.apart, q.pixels = words(o.ph*o.pw*o.c), words(kernel.PairsPackSize(o.oh, o.ow, o.oc))
	}
	switch {
	case !q.by.input:
	case o.turns():
		q.frame, q.turns = words((o.h+o.kh-1)*(o.wide+o.kw-1)*o.oc/2), words(kernel.PairsPackSize(1, taps*o.oc, o.c))
	default:
		q.frame, q.turns = words(o.oh*o.ow*o.oc/2), words(taps*kernel.PairsPackSize(1, o.oc, o.c))
	}
	return []*plan.Block{q.image, q.kernels}, []*plan.Block{q.apart, q.pixels, q.frame, q.turns}
}

func (q *pairConv) bind() {
	o := q.conv
	q.product = kernel.Pairs{
		M: o.ow, N: o.oc, K: o.kw * o.c / 2, Segs: o.kh, RowA: o.sw * o.c / 2, ColA: 1, SegA: o.pw * o.c / 2, RowC: o.oc, ReLU: o.relu && !o.late,
	}
	q.dw = kernel.Pairs{
		M: o.kw * o.c, N: o.oc, K: (o.ow + 1) / 2, Segs: o.oh, RowA: 1, ColA: 2 * o.sw * o.c, SegA: o.sh * o.pw * o.c, RowC: o.oc,
	}
	if o.turns() {
		q.dx = kernel.Pairs{M: o.wide, N: o.c, K: o.kw * o.oc / 2, Segs: o.kh, RowA: o.oc / 2, ColA: 1, SegA: (o.wide + o.kw - 1) * o.oc / 2, RowC: o.c}
	} else {
		q.dx = kernel.Pairs{M: o.ow, N: o.c, K: o.oc / 2, RowA: o.oc / 2, ColA: 1, RowC: o.sw * o.c, Add: true}
	}
}

// begin prepares the weights for a forward pass.
func (q *pairConv) begin() {
	o := q.conv
	clear(q.image.Floats)
	q.product.B = kernel.Words(q.kernels.Floats)
	kernel.PackPairs(q.product.B, o.w.W, 1, o.kh*o.kw*o.c, o.oc, o.oc)
	q.product.Bias = o.bias()
}

// outputs computes one image out from one in.
func (q *pairConv) outputs(y, x []float32) {
	o := q.conv
	image := kernel.Words(q.image.Floats)
	insetPairs(image, x, o.h, o.wide*o.c, o.top, o.left*o.c, o.pw*o.c)
	for r := range o.oh {
		q.product.A, q.product.C = image[r*o.sh*o.pw*o.c/2:], y[r*o.ow*o.oc:]
		q.product.Run()
	}
}

// beginBack prepares the turned weights for a backward pass.
func (q *pairConv) beginBack() {
	if !q.by.input {
		return
	}
	o := q.conv
	taps, turned, to := o.kh*o.kw, o.turned.Floats, kernel.Words(q.turns.Floats)
	clear(q.frame.Floats)
	if o.turns() {
		kernel.PackPairs(to, turned, 1, taps*o.oc, o.c, o.c)
		return
	}
	size := kernel.PairsPackSize(1, o.oc, o.c)
	for t := range taps {
		kernel.PackPairs(to[t*size:], turned[t*o.oc*o.c:], 1, o.oc, o.c, o.c)
	}
}

// gradient computes that of the weights for one padded image, added to what is
// there if add is set.
func (q *pairConv) gradient(x, dy []float32, add bool) {
	o := q.conv
	apart, g := kernel.Words(q.apart.Floats), &q.dw
	kernel.PairApart(apart, x[:o.ph*o.pw*o.c], o.sw*o.c)
	g.B, g.Add = kernel.Words(q.pixels.Floats), add
	kernel.PackPairs(g.B, dy, o.oh, o.ow, o.oc, o.oc)
	for r := range o.kh {
		g.A, g.C = apart[r*o.pw*o.c:], o.w.G[r*o.kw*o.c*o.oc:]
		g.Run()
	}
}

// inputs computes the gradient of one image in from that of one out: see
// [conv.correlate] and [conv.scatter].
func (q *pairConv) inputs(dx, dy []float32) {
	o := q.conv
	frame, turned, g := kernel.Words(q.frame.Floats), kernel.Words(q.turns.Floats), &q.dx
	if o.turns() {
		wide := o.wide + o.kw - 1
		insetPairs(frame, dy, o.oh, o.ow*o.oc, o.kh-1-o.top, (o.kw-1-o.left)*o.oc, wide*o.oc)
		g.B = turned
		for r := range o.h {
			g.A, g.C = frame[r*wide*o.oc/2:], dx[r*o.wide*o.c:]
			g.Run()
		}
		return
	}
	x, size := o.grown.Floats, kernel.PairsPackSize(1, o.oc, o.c)
	clear(x)
	kernel.PairNeighbours(frame, dy)
	for r := range o.oh {
		g.A = frame[r*o.ow*o.oc/2:]
		for t := range o.kh * o.kw {
			g.B, g.C = turned[t*size:], x[r*o.sh*o.pw*o.c+o.tap(t):]
			g.Run()
		}
	}
	o.unframe(dx)
}

// insetPairs is inset with pairs of neighbours: cols, left and width are even.
func insetPairs(dst []uint32, src []float32, rows, cols, top, left, width int) {
	for r := range rows {
		kernel.PairNeighbours(dst[((r+top)*width+left)/2:][:cols/2], src[r*cols:(r+1)*cols])
	}
}
