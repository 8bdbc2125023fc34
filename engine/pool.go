package engine

import (
	"fmt"

	"budwood/data"
	"budwood/engine/kernel"
)

// MaxPool takes the maximum of each Size×Size window of each channel, or of Size
// steps of a sequence. Windows do not overlap; rows, columns and steps that fill
// no window are dropped.
type MaxPool struct {
	Size int // 0 means 2
}

// AvgPool takes the mean of each Size×Size window of each channel, or of Size
// steps of a sequence. Windows do not overlap; rows, columns and steps that fill
// no window are dropped.
type AvgPool struct {
	Size int // 0 means 2
}

// Infer gives {height/Size, width/Size, channels} or {steps/Size, features}.
func (p MaxPool) Infer(in data.Shape) (data.Shape, error) { return pooled(p, in, p.Size) }

// Infer gives {height/Size, width/Size, channels} or {steps/Size, features}.
func (p AvgPool) Infer(in data.Shape) (data.Shape, error) { return pooled(p, in, p.Size) }

// String is MaxPool(Size).
func (p MaxPool) String() string { return fmt.Sprintf("MaxPool(%d)", window(p.Size)) }

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

func (p MaxPool) build(b *builder, x tensor) tensor { return addPool(b, p, x, window(p.Size), true) }
func (p AvgPool) build(b *builder, x tensor) tensor { return addPool(b, p, x, window(p.Size), false) }

func addPool(b *builder, l Layer, x tensor, n int, most bool) tensor {
	out := windows(x.shape, n)
	b.layer(l, out, 0)
	y := b.output(x, out, false, needNothing)
	back := []*block{x.grad, y.grad}
	if most {
		y.need = needValues
		back = append(back, x.data, y.data)
	}
	if s := x.shape; len(s) == 3 {
		o := fresh[pool](b)
		o.x, o.y, o.geometry, o.max = x, y, kernel.Pool{H: s[0], W: s[1], C: s[2], Size: n}, most
		b.add(o, []*block{x.data, y.data}, back)
		return y
	}
	b.add(&stepPool{x: x, y: y, size: n, max: most}, []*block{x.data, y.data}, back)
	return y
}

// pool is the op of MaxPool and AvgPool for images.
type pool struct {
	x, y     tensor
	geometry kernel.Pool
	max      bool
}

func (o *pool) Bind() {}

func (o *pool) Forward(p pass) {
	in, out := o.x.shape.Size(), o.y.shape.Size()
	for i := range p.rows {
		x, y := o.x.data.data[i*in:(i+1)*in], o.y.data.data[i*out:(i+1)*out]
		if o.max {
			o.geometry.Max(y, x)
		} else {
			o.geometry.Avg(y, x)
		}
	}
}

func (o *pool) Backward(p pass) {
	if o.x.grad == nil {
		return
	}
	in, out := o.x.shape.Size(), o.y.shape.Size()
	for i := range p.rows {
		dx, dy := o.x.grad.data[i*in:(i+1)*in], o.y.grad.data[i*out:(i+1)*out]
		if o.max {
			o.geometry.MaxBack(dx, dy, o.x.data.data[i*in:(i+1)*in], o.y.data.data[i*out:(i+1)*out])
		} else {
			o.geometry.AvgBack(dx, dy)
		}
	}
}

// stepPool is the op of MaxPool and AvgPool for sequences.
type stepPool struct {
	x, y tensor
	size int
	max  bool
}

func (o *stepPool) Bind() {}

func (o *stepPool) Forward(p pass) {
	c, n := o.x.shape[1], o.x.shape.Size()
	for i := range p.rows {
		for w := range o.y.shape[0] {
			x, to := o.x.data.data[i*n+w*o.size*c:], (i*o.y.shape[0]+w)*c
			y := o.y.data.data[to : to+c]
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

func (o *stepPool) Backward(p pass) {
	if o.x.grad == nil {
		return
	}
	c, n, used := o.x.shape[1], o.x.shape.Size(), o.y.shape.Size()*o.size
	for i := range p.rows {
		dx, x := o.x.grad.data[i*n:(i+1)*n], o.x.data.data[i*n:(i+1)*n]
		clear(dx[used:])
		for w := range o.y.shape[0] {
			lo, hi, to := w*o.size*c, (w+1)*o.size*c, (i*o.y.shape[0]+w)*c
			dy := o.y.grad.data[to : to+c]
			if o.max {
				kernel.MaxBack(dx[lo:hi], dy, x[lo:hi], o.y.data.data[to:to+c])
				continue
			}
			kernel.Scale(dy, 1/float32(o.size))
			for at := lo; at < hi; at += c {
				copy(dx[at:], dy)
			}
		}
	}
}
