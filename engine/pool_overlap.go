package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// overlapping builds a MaxPool whose windows are not just next to each other.
func (p MaxPool) overlapping(b *plan.Builder, x plan.Tensor) plan.Tensor {
	rows, columns := p.Windows(x.Shape)
	c := x.Shape[len(x.Shape)-1]
	out := b.Shape(rows.Out, columns.Out, c)
	if len(x.Shape) == 2 {
		out = b.Shape(rows.Out, c)
	}
	b.Layer(p, out, 0)
	y := b.Output(x, out, false, plan.NeedValues)
	o := &windowPool{x: x, y: y, row: b.Scratch(plan.Product(columns.In, c)), left: b.Scratch(int64(c)), geometry: kernel.Windows{
		H: rows.In, W: columns.In, C: c, OutH: rows.Out, OutW: columns.Out,
		Height: rows.Size, StrideH: rows.Stride, Width: columns.Size, StrideW: columns.Stride, Top: rows.Before, Left: columns.Before,
	}}
	b.Add(o, []*plan.Block{x.Data, y.Data, o.row}, []*plan.Block{x.Grad, y.Grad, x.Data, y.Data, o.left})
	return y
}

// windowPool is the op of a MaxPool whose windows overlap or have a padding.
type windowPool struct {
	x, y      plan.Tensor
	geometry  kernel.Windows
	row, left *plan.Block // scratch: one row of maxima of columns, the gradient of one window
}

func (o *windowPool) Bind() {}

func (o *windowPool) Forward(p plan.Pass) {
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	for i := range p.Rows {
		o.geometry.Max(o.y.Data.Floats[i*out:], o.x.Data.Floats[i*in:], o.row.Floats)
	}
}

func (o *windowPool) Backward(p plan.Pass) {
	if o.x.Grad == nil {
		return
	}
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	for i := range p.Rows {
		x, y := o.x.Data.Floats[i*in:(i+1)*in], o.y.Data.Floats[i*out:(i+1)*out]
		o.geometry.MaxBack(o.x.Grad.Floats[i*in:(i+1)*in], o.y.Grad.Floats[i*out:], x, y, o.left.Floats)
	}
}
