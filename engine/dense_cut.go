package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// cut readies the products whose inner dimension a cut goes through: of rows the
// forward one, of columns the gradient of the input. It returns the blocks that they
// need forward and backward.
func (o *dense) cut(b *plan.Builder, c *plan.Cut) (front, back []*plan.Block) {
	if c.Kind == plan.Rows {
		o.forward = newPartial(b, c, plan.Product(b.Batch, o.per, o.out), func(s plan.Span) kernel.Gemm {
			g := o.product
			g.K, g.ReLU = s.To-s.From, false
			return g
		})
		return o.forward.blocks(), nil
	}
	if o.x.Grad == nil {
		return nil, nil
	}
	if b.Own(c) == nil && len(c.Spans[0]) > 1 {
		o.parts = newGathered(b, c, b.Batch*o.per, o.in)
		back = append(back, o.parts.dy, o.parts.w)
	}
	o.backward = newPartial(b, c, plan.Product(b.Batch, o.per, o.in), func(s plan.Span) kernel.Gemm {
		g := o.dx
		g.K = s.To - s.From
		return g
	})
	if o.parts != nil {
		o.parts.shape(o.backward)
	}
	return nil, append(back, o.backward.blocks()...)
}

// bindCut gives those products their operands.
func (o *dense) bindCut() {
	if q := o.forward; q != nil {
		q.bind(o.y.Data.Floats, o.front)
		for i := range q.products {
			g := &q.products[i]
			g.A, g.B = o.x.Data.Floats[q.at[i]:], o.w.W[q.at[i]*o.out:]
		}
	}
	q := o.backward
	if q == nil {
		return
	}
	q.bind(o.x.Grad.Floats, o.back)
	for i := range q.products {
		g := &q.products[i]
		if o.parts != nil {
			g.A, g.B = o.parts.dy.Floats, o.parts.w.Floats
		} else {
			g.A, g.B = o.y.Grad.Floats[q.at[i]:], o.w.W[q.at[i]:]
		}
	}
	if o.parts != nil {
		q.before = func(part, rows int) { o.parts.gather(part, o.y.Grad.Floats, rows, o.w.W, o.in, o.out) }
	}
}

// forwardCut adds the bias once, to the sum.
func (o *dense) forwardCut(rows int) {
	o.forward.run(rows)
	y := o.y.Data.Floats[:rows*o.out]
	addRows(y, o.b)
	if o.relu {
		kernel.ReLU(y, y)
	}
}

// addRows adds a bias, if there is one, to every row of y.
func addRows(y []float32, bias *plan.Param) {
	if bias == nil {
		return
	}
	for n := len(bias.W); len(y) >= n; y = y[n:] {
		kernel.Add(y[:n], bias.W)
	}
}

// gathered is room for the columns of one part, which lie in several stretches, side by
// side: as the part by itself has them.
type gathered struct {
	spans [][]plan.Span // of each part
	dy, w *plan.Block
}

func newGathered(b *plan.Builder, c *plan.Cut, rows, in int) *gathered {
	n := 0
	for _, s := range c.Spans {
		n = max(n, plan.Length(s))
	}
	return &gathered{c.Spans, b.Scratch(plan.Product(rows, n)), b.Scratch(plan.Product(in, n))}
}

// shape sets the dimensions of the parts' products.
func (a *gathered) shape(q *partial) {
	for i := range q.products {
		n := plan.Length(a.spans[i])
		g := &q.products[i]
		g.K, g.RowA, g.ColB = n, n, n
	}
}

// gather copies the columns of a part from matrices of out columns.
func (a *gathered) gather(part int, dy []float32, rows int, w []float32, in, out int) {
	columns(a.dy.Floats, dy, rows, out, a.spans[part])
	columns(a.w.Floats, w, in, out, a.spans[part])
}

// columns copies stretches of each row of a matrix of rows × cols to one with only
// these.
func columns(dst, src []float32, rows, cols int, spans []plan.Span) {
	at := 0
	for i := range rows {
		for _, s := range spans {
			at += copy(dst[at:], src[i*cols+s.From:i*cols+s.To])
		}
	}
}
