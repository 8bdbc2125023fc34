package engine

import (
	"fmt"

	"budwood/engine/kernel"
)

// MaxPool takes the maximum of each Size×Size window of each channel. Windows
// do not overlap; rows and columns that fill no window are dropped.
type MaxPool struct {
	Size int // 0 means 2
}

// AvgPool takes the mean of each Size×Size window of each channel. Windows do
// not overlap; rows and columns that fill no window are dropped.
type AvgPool struct {
	Size int // 0 means 2
}

// GlobalAvgPool takes the mean of each channel over the whole image, or of each
// feature over all steps of a sequence.
type GlobalAvgPool struct{}

// Infer gives {height/Size, width/Size, channels}.
func (p MaxPool) Infer(in Shape) (Shape, error) { return pooled(p, in, p.Size) }

// Infer gives {height/Size, width/Size, channels}.
func (p AvgPool) Infer(in Shape) (Shape, error) { return pooled(p, in, p.Size) }

// Infer gives {channels}.
func (p GlobalAvgPool) Infer(in Shape) (Shape, error) {
	if err := spread(p, in); err != nil {
		return nil, err
	}
	return in[len(in)-1:], nil
}

// String is MaxPool(Size).
func (p MaxPool) String() string { return fmt.Sprintf("MaxPool(%d)", window(p.Size)) }

// String is AvgPool(Size).
func (p AvgPool) String() string { return fmt.Sprintf("AvgPool(%d)", window(p.Size)) }

// String is GlobalAvgPool.
func (GlobalAvgPool) String() string { return "GlobalAvgPool" }

func window(size int) int {
	if size == 0 {
		return 2
	}
	return size
}

func pooled(l Layer, in Shape, n int) (Shape, error) {
	if err := image(l, in); err != nil {
		return nil, err
	}
	if err := size(l, "window", n, 0); err != nil {
		return nil, err
	}
	if n = window(n); n > in[0] || n > in[1] {
		return nil, fmt.Errorf("%v: the window is larger than the image %v", l, in)
	}
	return Shape{in[0] / n, in[1] / n, in[2]}, nil
}

func (p MaxPool) build(b *builder, x tensor) tensor {
	s := x.shape
	n := window(p.Size)
	o := &pool{x: x, geometry: kernel.Pool{H: s[0], W: s[1], C: s[2], Size: n}, max: true}
	b.layer(p, Shape{s[0] / n, s[1] / n, s[2]}, 0)
	o.y = b.output(x, Shape{s[0] / n, s[1] / n, s[2]}, false, needValues)
	b.add(o, []*block{x.data, o.y.data}, []*block{x.data, x.grad, o.y.data, o.y.grad})
	return o.y
}

func (p AvgPool) build(b *builder, x tensor) tensor {
	s := x.shape
	n := window(p.Size)
	o := &pool{x: x, geometry: kernel.Pool{H: s[0], W: s[1], C: s[2], Size: n}}
	b.layer(p, Shape{s[0] / n, s[1] / n, s[2]}, 0)
	o.y = b.output(x, Shape{s[0] / n, s[1] / n, s[2]}, false, needNothing)
	b.add(o, []*block{x.data, o.y.data}, []*block{x.grad, o.y.grad})
	return o.y
}

func (p GlobalAvgPool) build(b *builder, x tensor) tensor {
	s := x.shape
	out := s[len(s)-1:]
	o := &globalPool{x: x, pixels: places(s), channels: out[0]}
	b.layer(p, out, 0)
	o.y = b.output(x, out, false, needNothing)
	b.add(o, []*block{x.data, o.y.data}, []*block{x.grad, o.y.grad})
	return o.y
}

// pool is the op of MaxPool and AvgPool.
type pool struct {
	x, y     tensor
	geometry kernel.Pool
	max      bool
}

func (o *pool) bind() {}

func (o *pool) forward(p pass) {
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

func (o *pool) backward(p pass) {
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

// globalPool is the op of GlobalAvgPool.
type globalPool struct {
	x, y             tensor
	pixels, channels int
}

func (o *globalPool) bind() {}

func (o *globalPool) forward(p pass) {
	c, in := o.channels, o.pixels*o.channels
	for i := range p.rows {
		y := o.y.data.data[i*c : (i+1)*c]
		kernel.ColSum(y, o.x.data.data[i*in:(i+1)*in], o.pixels, c)
		kernel.Scale(y, 1/float32(o.pixels))
	}
}

func (o *globalPool) backward(p pass) {
	if o.x.grad == nil {
		return
	}
	c := o.channels
	for i := range p.rows {
		dy := o.y.grad.data[i*c : (i+1)*c]
		kernel.Scale(dy, 1/float32(o.pixels))
		for q := range o.pixels {
			copy(o.x.grad.data[(i*o.pixels+q)*c:], dy)
		}
	}
}
