package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// MaxPool takes the maximum of windows of Size×Size pixels of each channel, or of Size
// steps of a sequence. By default windows do not overlap; rows, columns and steps that
// fill no window are dropped. With a Stride they may overlap, with Pad they may reach
// beyond the border, where nothing is.
type MaxPool struct {
	Size    int   // height of a window, and its width if Columns has no other; 0 means 2
	Stride  int   // from window to window; 0 means Size
	Columns Along // size and stride along the width, where they differ; its stride 0 means that along the height, or its size if that has none
	Pad     Pad   // smaller than a window; for a sequence Top and Bottom are the steps before and behind it
}

// AvgPool takes the mean of each Size×Size window of each channel, or of Size
// steps of a sequence. Windows do not overlap; rows, columns and steps that fill
// no window are dropped.
type AvgPool struct {
	Size int // 0 means 2
}

// Infer gives {height/Size, width/Size, channels} or {steps/Size, features}, or what is
// left of windows that overlap.
func (p MaxPool) Infer(in data.Shape) (data.Shape, error) {
	if _, ok := p.Square(); ok {
		return pooled(p, in, p.Size)
	}
	if err := spread(p, in); err != nil {
		return nil, err
	}
	if err := checkWindow(p, p.Size, p.Stride, p.Columns.Dilation, p.Columns, p.Pad, false); err != nil {
		return nil, err
	}
	rows, columns := p.Windows(in)
	switch q := p.Pad; {
	case p.Columns.Dilation > 1:
		return nil, fmt.Errorf("%v: windows of a pooling have no gaps", p)
	case len(in) == 2 && (p.Columns != (Along{}) || q.Left > 0 || q.Right > 0):
		return nil, fmt.Errorf("%v: the sequence %v has no columns", p, in)
	case q.Top >= rows.Size || q.Bottom >= rows.Size || len(in) == 3 && (q.Left >= columns.Size || q.Right >= columns.Size):
		return nil, fmt.Errorf("%v: the padding is not smaller than the window", p)
	}
	if err := fits(p, in, rows, columns); err != nil {
		return nil, err
	}
	if len(in) == 2 {
		return data.Shape{rows.Out, in[1]}, nil
	}
	return data.Shape{rows.Out, columns.Out, in[2]}, nil
}

// Square is the side of windows that are square, follow each other and have no padding;
// false if they are others.
func (p MaxPool) Square() (size int, ok bool) {
	n := window(p.Size)
	a := p.along()
	return n, p.Pad == Pad{} && cmp.Or(p.Stride, n) == n && a.Size == n && a.Stride == n && a.Dilation == 1
}

// along is what windows have along the width.
func (p MaxPool) along() Along {
	a := p.Columns.of(window(p.Size), p.Stride, 1)
	a.Stride = cmp.Or(a.Stride, a.Size)
	return a
}

// Windows is what is seen along the height and the width of an image, or along the steps
// of a sequence, which is one column.
func (p MaxPool) Windows(in data.Shape) (rows, columns Window) {
	n, a := window(p.Size), p.along()
	rows = Window{In: in[0], Size: n, Stride: cmp.Or(p.Stride, n), Dilation: 1}.within(p.Pad.Top, p.Pad.Bottom)
	columns = Window{In: 1, Size: 1, Stride: 1, Dilation: 1}
	if len(in) == 3 {
		columns = Window{In: in[1], Size: a.Size, Stride: a.Stride, Dilation: 1}
	}
	return rows, columns.within(p.Pad.Left, p.Pad.Right)
}

// Infer gives {height/Size, width/Size, channels} or {steps/Size, features}.
func (p AvgPool) Infer(in data.Shape) (data.Shape, error) { return pooled(p, in, p.Size) }

// String is MaxPool(Size), with the stride and the padding where they are not the default.
func (p MaxPool) String() string {
	n, square := p.Square()
	if square {
		return fmt.Sprintf("MaxPool(%d)", n)
	}
	a := p.along()
	return fmt.Sprintf("MaxPool(%s", by(n, a.Size)) + describeWindow(cmp.Or(p.Stride, n), 1, a, p.Pad) + ")"
}

// String is AvgPool(Size).
func (p AvgPool) String() string { return fmt.Sprintf("AvgPool(%d)", window(p.Size)) }

func window(size int) int {
	if size == 0 {
		return 2
	}
	return size
}

func pooled(l Layer, in data.Shape, n int) (data.Shape, error) {
	if err := spread(l, in); err != nil {
		return nil, err
	}
	if err := sized(l, "window", n, 0); err != nil {
		return nil, err
	}
	if n = window(n); n > in[0] || len(in) == 3 && n > in[1] {
		return nil, fmt.Errorf("%v: the window is larger than the input %v", l, in)
	}
	return windows(in, n), nil
}

// windows is the shape of what is left.
func windows(in data.Shape, n int) data.Shape {
	if len(in) == 2 {
		return data.Shape{in[0] / n, in[1]}
	}
	return data.Shape{in[0] / n, in[1] / n, in[2]}
}

func (p MaxPool) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	if n, ok := p.Square(); ok {
		return addPool(b, p, x, n, true)
	}
	return p.overlapping(b, x)
}
func (p AvgPool) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return addPool(b, p, x, window(p.Size), false)
}

func addPool(b *plan.Builder, l Layer, x plan.Tensor, n int, most bool) plan.Tensor {
	out := windows(x.Shape, n)
	b.Layer(l, out, 0)
	y := b.Output(x, out, false, plan.NeedNothing)
	back := []*plan.Block{x.Grad, y.Grad}
	if most {
		y.Need = plan.NeedValues
		back = append(back, x.Data, y.Data)
	}
	if s := x.Shape; len(s) == 3 {
		o := plan.Fresh[pool](b)
		o.x, o.y, o.geometry, o.max = x, y, kernel.Pool{H: s[0], W: s[1], C: s[2], Size: n}, most
		b.Add(o, []*plan.Block{x.Data, y.Data}, back)
		return y
	}
	b.Add(&stepPool{x: x, y: y, size: n, max: most}, []*plan.Block{x.Data, y.Data}, back)
	return y
}

// pool is the op of MaxPool and AvgPool for images.
type pool struct {
	x, y     plan.Tensor
	geometry kernel.Pool
	max      bool
}

func (o *pool) Bind() {}

func (o *pool) Forward(p plan.Pass) {
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	for i := range p.Rows {
		x, y := o.x.Data.Floats[i*in:(i+1)*in], o.y.Data.Floats[i*out:(i+1)*out]
		if o.max {
			o.geometry.Max(y, x)
		} else {
			o.geometry.Avg(y, x)
		}
	}
}

func (o *pool) Backward(p plan.Pass) {
	if o.x.Grad == nil {
		return
	}
	in, out := o.x.Shape.Size(), o.y.Shape.Size()
	for i := range p.Rows {
		dx, dy := o.x.Grad.Floats[i*in:(i+1)*in], o.y.Grad.Floats[i*out:(i+1)*out]
		if o.max {
			o.geometry.MaxBack(dx, dy, o.x.Data.Floats[i*in:(i+1)*in], o.y.Data.Floats[i*out:(i+1)*out])
		} else {
			o.geometry.AvgBack(dx, dy)
		}
	}
}

// stepPool is the op of MaxPool and AvgPool for sequences.
type stepPool struct {
	x, y plan.Tensor
	size int
	max  bool
}

func (o *stepPool) Bind() {}

func (o *stepPool) Forward(p plan.Pass) {
	c, n := o.x.Shape[1], o.x.Shape.Size()
	for i := range p.Rows {
		for w := range o.y.Shape[0] {
			x, to := o.x.Data.Floats[i*n+w*o.size*c:], (i*o.y.Shape[0]+w)*c
			y := o.y.Data.Floats[to : to+c]
			copy(y, x)
			for q := 1; q < o.size; q++ {
				if o.max {
					kernel.Max(y, x[q*c:(q+1)*c])
				} else {
					kernel.Add(y, x[q*c:(q+1)*c])
				}
			}
			if !o.max {
				kernel.Scale(y, 1/float32(o.size))
			}
		}
	}
}

func (o *stepPool) Backward(p plan.Pass) {
	if o.x.Grad == nil {
		return
	}
	c, n, used := o.x.Shape[1], o.x.Shape.Size(), o.y.Shape.Size()*o.size
	for i := range p.Rows {
		dx, x := o.x.Grad.Floats[i*n:(i+1)*n], o.x.Data.Floats[i*n:(i+1)*n]
		clear(dx[used:])
		for w := range o.y.Shape[0] {
			lo, hi, to := w*o.size*c, (w+1)*o.size*c, (i*o.y.Shape[0]+w)*c
			dy := o.y.Grad.Floats[to : to+c]
			if o.max {
				kernel.MaxBack(dx[lo:hi], dy, x[lo:hi], o.y.Data.Floats[to:to+c])
				continue
			}
			kernel.Scale(dy, 1/float32(o.size))
			for at := lo; at < hi; at += c {
				copy(dx[at:], dy)
			}
		}
	}
}
