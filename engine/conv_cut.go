package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// cut readies what a cut goes through: of channels in the forward products, of channels
// out the gradient of the input. It returns the blocks that these need in addition.
func (o *conv) cut(b *plan.Builder, c *plan.Cut) (front, back []*plan.Block) {
	if c.Kind == plan.Between || !o.late && o.x.Grad == nil {
		return nil, nil
	}
	if o.sum = b.Cuts.Sum; b.Own(c) != nil {
		return nil, nil
	}
	o.parts = newConvParts(b, o, c)
	if o.late {
		return o.parts.blocks, nil
	}
	return nil, o.parts.blocks
}

// forwardCut adds bias and ReLU to the sum of all parts.
func (o *conv) forwardCut(p plan.Pass) {
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	if o.parts != nil {
		o.parts.begin()
	} else {
		o.begin()
	}
	for i := range p.Rows {
		x, y := o.x.Data.Floats[i*in:(i+1)*in], o.y.Data.Floats[i*out:(i+1)*out]
		if o.parts != nil {
			o.parts.outputs(y, x)
		} else {
			o.outputs(y, x)
		}
	}
	all := o.y.Data.Floats[:p.Rows*out]
	if o.sum != nil {
		o.sum(all)
	}
	addRows(all, o.b)
	if o.relu {
		kernel.ReLU(all, all)
	}
	for i := range p.Rows {
		if o.norm != nil {
			o.norm.gather(p, all[i*out:(i+1)*out])
		}
	}
}

// convParts are the convolutions of parts of the channels, in or out, that one rank
// computes in turn: each with its weights and its channels of an image side by side, as
// the part by itself has them.
type convParts struct {
	convs  []*conv
	spans  [][]plan.Span
	axis   int           // of the weights: 2 for channels in, 3 for channels out
	pieces []*plan.Param // the weights of each part
	w      []*plan.Block // where they lie
	image  *plan.Block   // one image of a part's channels
	held   []*plan.Block // sums of one image that wait
	blocks []*plan.Block // all

	whole  *conv
	places [][]float32
}

func newConvParts(b *plan.Builder, o *conv, c *plan.Cut) *convParts {
	q := &convParts{spans: c.Spans, axis: 3, whole: o}
	if o.late {
		q.axis = 2
	}
	size := 0
	for part, s := range c.Spans {
		n := plan.Length(s)
		k := &conv{x: o.x, y: o.y, late: true, groups: 1}
		k.h, k.wide, k.oh, k.ow, k.ph, k.pw = o.h, o.wide, o.oh, o.ow, o.ph, o.pw
		k.kh, k.sh, k.dh, k.top, k.kw, k.sw, k.dw, k.left = o.kh, o.sh, o.dh, o.top, o.kw, o.sw, o.dw, o.left
		if k.c, k.oc = o.c, n; o.late {
			k.c, k.oc, k.x.Grad = n, o.oc, nil
		}
		w := &plan.Param{Size: plan.Product(k.kh, k.kw, k.c, k.oc), Shape: []int{k.kh, k.kw, k.c, k.oc}}
		w.Piece = &plan.Piece{Shape: []int{o.kh, o.kw, o.c, o.oc}, Axis: q.axis, Spans: c.Spans, Part: part}
		k.rounded = rounded{format: o.format, w: w}
		q.convs, q.pieces = append(q.convs, k), append(q.pieces, w)
		q.w = append(q.w, b.Scratch(w.Size))
		q.blocks = append(q.blocks, q.w[part])
		q.blocks = append(q.blocks, k.scratchOfPart(b)...)
		size = max(size, n)
	}
	sum := plan.Product(o.h, o.wide, o.c)
	if q.image = b.Scratch(plan.Product(o.oh, o.ow, size)); o.late {
		q.image, sum = b.Scratch(plan.Product(o.h, o.wide, size)), plan.Product(o.oh, o.ow, o.oc)
	}
	q.held = hold(b, sum)
	q.blocks = append(append(q.blocks, q.image), q.held...)
	return q
}

// scratchOfPart makes the scratch memory of a part: one of channels in computes outputs
// alone, one of channels out the gradients of inputs.
func (o *conv) scratchOfPart(b *plan.Builder) (blocks []*plan.Block) {
	by := pairable(o)
	forward, back := o.x.Grad == nil, o.x.Grad != nil
	by.weights = false
	by.forward, by.input = by.forward && forward, by.input && back
	if by.forward || by.input {
		o.pairs = &pairConv{conv: o, by: by}
		f, g := o.pairs.scratch(b)
		blocks = append(append(blocks, f...), g...)
	}
	if forward && o.padded() && !by.forward {
		o.front = b.Scratch(plan.Product(o.ph, o.pw, o.c))
	}
	if back {
		o.turned = b.Scratch(o.w.Size)
		switch {
		case by.input && o.turns():
		case !o.turns():
			o.grown = b.Scratch(plan.Product(o.ph, o.pw, o.c))
		case o.kh > 1 || o.kw > 1:
			o.grown = b.Scratch(plan.Product(o.h+o.kh-1, o.wide+o.kw-1, o.oc))
		}
	}
	if o.format != kernel.Float32 && !by.forward && !by.input {
		o.operand = b.Scratch(o.w.Size)
		if back {
			o.slope = b.Scratch(plan.Product(o.oh, o.ow, o.oc))
		}
	}
	return append(blocks, o.front, o.turned, o.grown, o.operand, o.slope)
}

// bind gives the parts their memory.
func (q *convParts) bind(o *conv) {
	for i, k := range q.convs {
		k.w.W = q.w[i].Floats
		k.Bind()
	}
	q.places = floats(nil, q.held)
}

// begin prepares the parts for a forward pass.
func (q *convParts) begin() {
	for _, k := range q.convs {
		k.w.Take(k.w.W, q.whole.w.W)
		k.begin()
	}
}

// outputs computes one image out, before bias and ReLU, from one in.
func (q *convParts) outputs(y, x []float32) {
	o := q.whole
	q.places[0] = y
	treeSum(len(q.convs), len(y), q.places, func(i int, to []float32) {
		k := q.convs[i]
		columns(q.image.Floats, x, o.h*o.wide, o.c, q.spans[i])
		k.outputs(to, q.image.Floats[:o.h*o.wide*k.c])
	})
}

// beginBack prepares the parts for the gradients of inputs.
func (q *convParts) beginBack() {
	for _, k := range q.convs {
		k.w.Take(k.w.W, q.whole.w.W)
		k.round()
		k.beginBack()
	}
}

// inputs computes the gradient of one image in from that of one out.
func (q *convParts) inputs(dx, dy []float32) {
	o := q.whole
	q.places[0] = dx
	treeSum(len(q.convs), len(dx), q.places, func(i int, to []float32) {
		k := q.convs[i]
		columns(q.image.Floats, dy, o.oh*o.ow, o.oc, q.spans[i])
		k.inputs(to, q.image.Floats[:o.oh*o.ow*k.oc])
	})
}
