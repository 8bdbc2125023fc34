package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// FPN is a feature pyramid network (Lin et al. 2017). Stages run one behind the
// other, each on a smaller image than the one before. From the last stage up,
// the output of each goes through a 1×1 convolution to Out channels, and the
// level above it, enlarged by repeating pixels, is added; a 3×3 convolution
// follows. The output is the level of the first stage, the largest image, in
// which all stages have met; with Pool it is the means of every level's
// channels, one level behind the other, for a classifier.
type FPN struct {
	Stages []Seq // at least one
	Out    int   // channels of every level
	Pool   bool
}

// Infer gives {height, width, Out} of the first stage, or {stages·Out}.
func (f FPN) Infer(in data.Shape) (data.Shape, error) {
	if err := image(f, in); err != nil {
		return nil, err
	}
	if len(f.Stages) == 0 {
		return nil, fmt.Errorf("%v: no stages", f)
	}
	if err := sized(f, "channels", f.Out, 1); err != nil {
		return nil, err
	}
	var first data.Shape
	for i, s := range f.Stages {
		out, err := s.Infer(in)
		if err != nil {
			return nil, fmt.Errorf("%v: stage %d: %w", f, i, err)
		}
		if len(out) != 3 || i > 0 && (out[0] > in[0] || out[1] > in[1]) {
			return nil, fmt.Errorf("%v: stage %d makes %v of %v, which is no smaller image", f, i, out, in)
		}
		if i == 0 {
			first = out
		}
		in = out
	}
	if f.Pool {
		return data.Shape{len(f.Stages) * f.Out}, sized(f, "features", len(f.Stages)*f.Out, 1)
	}
	return data.Shape{first[0], first[1], f.Out}, nil
}

// String is FPN(stages, Out), with pool where it is set.
func (f FPN) String() string {
	if f.Pool {
		return fmt.Sprintf("FPN(%d stages, %d, pool)", len(f.Stages), f.Out)
	}
	return fmt.Sprintf("FPN(%d stages, %d)", len(f.Stages), f.Out)
}

func (f FPN) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	own := b.Layer(f, x.Shape, 0)
	levels := make([]plan.Tensor, len(f.Stages))
	for i, s := range f.Stages {
		b.Within(strconv.Itoa(i), func() { levels[i] = s.build(b, x) })
		levels[i].Need = plan.NeedValues
		if i < len(f.Stages)-1 {
			x = b.Split(levels[i]) // the lateral layer reads the level itself
		}
	}
	var top plan.Tensor
	pooled := make([]plan.Tensor, len(levels))
	for i, c := range slices.Backward(levels) {
		level := func(name string, l Layer, x plan.Tensor) (y plan.Tensor) {
			b.Within(strconv.Itoa(i), func() { b.Within(name, func() { y = l.build(b, x) }) })
			return y
		}
		c = level("lateral", Conv{Out: f.Out, Kernel: 1}, c)
		if i < len(levels)-1 {
			b.At = own
			c = b.Sum([]plan.Tensor{c, addEnlarge(b, top, c.Shape)})
		}
		top = c
		if f.Pool {
			top.Need = plan.NeedValues
			if i > 0 { // addEnlarge reads the level itself
				c = b.Split(top)
			}
			pooled[i] = level("output", Seq{Conv{Out: f.Out}, GlobalAvgPool{}}, c)
		}
	}
	y := top
	if f.Pool {
		b.At = own
		y = b.Concat(pooled)
	} else {
		b.Within("0", func() { b.Within("output", func() { y = Conv{Out: f.Out}.build(b, top) }) })
	}
	b.Rows[own].Out = y.Shape
	return y
}

// Upsample enlarges an image by repeating each pixel Size times in both
// directions (nearest neighbour).
type Upsample struct {
	Size          int // 0 means 2
	Height, Width int // of the output, where these are no multiples of the input's: pixel i of n is pixel i·m/n, rounded down, of m
}

// to is the height and the width of the output.
func (u Upsample) to(in data.Shape) (height, width int) {
	n := window(u.Size)
	return cmp.Or(u.Height, in[0]*n), cmp.Or(u.Width, in[1]*n)
}

// Infer gives {height·Size, width·Size, channels}, or {Height, Width, channels}.
func (u Upsample) Infer(in data.Shape) (data.Shape, error) {
	if err := image(u, in); err != nil {
		return nil, err
	}
	if err := sized(u, "factor", u.Size, 0); err != nil {
		return nil, err
	}
	h, w := u.to(in)
	out := data.Shape{h, w, in[2]}
	if h < in[0] || w < in[1] {
		return nil, fmt.Errorf("%v: the image %v is larger", u, in)
	}
	if out[0] > maxDim || out[1] > maxDim {
		return nil, fmt.Errorf("%v: %v is larger than %d", u, out, maxDim)
	}
	return out, nil
}

// String is Upsample(Size), or Upsample(Height×Width).
func (u Upsample) String() string {
	if u.Height > 0 || u.Width > 0 {
		return fmt.Sprintf("Upsample(%d×%d)", u.Height, u.Width)
	}
	return fmt.Sprintf("Upsample(%d)", window(u.Size))
}

func (u Upsample) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	h, w := u.to(x.Shape)
	out := data.Shape{h, w, x.Shape[2]}
	b.Layer(u, out, 0)
	return addEnlarge(b, x, out)
}

// addEnlarge repeats pixels up to the height and width of a shape.
func addEnlarge(b *plan.Builder, x plan.Tensor, to data.Shape) plan.Tensor {
	o := &enlarge{x: x, y: b.Output(x, data.Shape{to[0], to[1], x.Shape[2]}, false, plan.NeedNothing)}
	b.Add(o, []*plan.Block{x.Data, o.y.Data}, []*plan.Block{x.Grad, o.y.Grad})
	return o.y
}

// addEnlarge is the op of Upsample: pixel (i, j) is pixel (i·h/H, j·w/W), rounded
// down, of the h×w image.
type enlarge struct{ x, y plan.Tensor }

func (o *enlarge) Bind() {}

// from is the offset in x of a pixel of y.
func (o *enlarge) from(i, j int) int {
	s, t := o.x.Shape, o.y.Shape
	return (i*s[0]/t[0]*s[1] + j*s[1]/t[1]) * s[2]
}

func (o *enlarge) Forward(p plan.Pass) {
	in, out, t := o.x.Shape.Size(), o.y.Shape.Size(), o.y.Shape
	for r := range p.Rows {
		x, y := o.x.Data.Floats[r*in:(r+1)*in], o.y.Data.Floats[r*out:(r+1)*out]
		for i := range t[0] {
			for j := range t[1] {
				copy(y[(i*t[1]+j)*t[2]:][:t[2]], x[o.from(i, j):])
			}
		}
	}
}

func (o *enlarge) Backward(p plan.Pass) {
	if o.x.Grad == nil {
		return
	}
	in, out, t := o.x.Shape.Size(), o.y.Shape.Size(), o.y.Shape
	clear(o.x.Grad.Floats[:p.Rows*in])
	for r := range p.Rows {
		dx, dy := o.x.Grad.Floats[r*in:(r+1)*in], o.y.Grad.Floats[r*out:(r+1)*out]
		for i := range t[0] {
			for j := range t[1] {
				at, to := (i*t[1]+j)*t[2], o.from(i, j)
				kernel.Add(dx[to:to+t[2]], dy[at:at+t[2]])
			}
		}
	}
}
