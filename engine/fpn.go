package engine

import (
	"fmt"
	"slices"
	"strconv"

	"budwood/data"
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

func (f FPN) build(b *builder, x tensor) tensor {
	own := b.layer(f, x.shape, 0)
	levels := make([]tensor, len(f.Stages))
	for i, s := range f.Stages {
		b.within(strconv.Itoa(i), func() { levels[i] = s.build(b, x) })
		levels[i].need = needValues
		if i < len(f.Stages)-1 {
			x = b.split(levels[i]) // the lateral layer reads the level itself
		}
	}
	var top tensor
	pooled := make([]tensor, len(levels))
	for i, c := range slices.Backward(levels) {
		level := func(name string, l Layer, x tensor) (y tensor) {
			b.within(strconv.Itoa(i), func() { b.within(name, func() { y = l.build(b, x) }) })
			return y
		}
		c = level("lateral", Conv{Out: f.Out, Kernel: 1}, c)
		if i < len(levels)-1 {
			b.at = own
			c = b.sum([]tensor{c, addEnlarge(b, top, c.shape)})
		}
		top = c
		if f.Pool {
			top.need = needValues
			if i > 0 { // addEnlarge reads the level itself
				c = b.split(top)
			}
			pooled[i] = level("output", Seq{Conv{Out: f.Out}, GlobalAvgPool{}}, c)
		}
	}
	y := top
	if f.Pool {
		b.at = own
		y = b.concat(pooled)
	} else {
		b.within("0", func() { b.within("output", func() { y = Conv{Out: f.Out}.build(b, top) }) })
	}
	b.rows[own].out = y.shape
	return y
}

// Upsample enlarges an image by repeating each pixel Size times in both
// directions (nearest neighbour).
type Upsample struct {
	Size int // 0 means 2
}

// Infer gives {height·Size, width·Size, channels}.
func (u Upsample) Infer(in data.Shape) (data.Shape, error) {
	if err := image(u, in); err != nil {
		return nil, err
	}
	if err := sized(u, "factor", u.Size, 0); err != nil {
		return nil, err
	}
	out := data.Shape{in[0] * window(u.Size), in[1] * window(u.Size), in[2]}
	if out[0] > maxDim || out[1] > maxDim {
		return nil, fmt.Errorf("%v: %v is larger than %d", u, out, maxDim)
	}
	return out, nil
}

// String is Upsample(Size).
func (u Upsample) String() string { return fmt.Sprintf("Upsample(%d)", window(u.Size)) }

func (u Upsample) build(b *builder, x tensor) tensor {
	out := data.Shape{x.shape[0] * window(u.Size), x.shape[1] * window(u.Size), x.shape[2]}
	b.layer(u, out, 0)
	return addEnlarge(b, x, out)
}

// addEnlarge repeats pixels up to the height and width of a shape.
func addEnlarge(b *builder, x tensor, to data.Shape) tensor {
	o := &enlarge{x: x, y: b.output(x, data.Shape{to[0], to[1], x.shape[2]}, false, needNothing)}
	b.add(o, []*block{x.data, o.y.data}, []*block{x.grad, o.y.grad})
	return o.y
}

// addEnlarge is the op of Upsample: pixel (i, j) is pixel (i·h/H, j·w/W), rounded
// down, of the h×w image.
type enlarge struct{ x, y tensor }

func (o *enlarge) Bind() {}

// from is the offset in x of a pixel of y.
func (o *enlarge) from(i, j int) int {
	s, t := o.x.shape, o.y.shape
	return (i*s[0]/t[0]*s[1] + j*s[1]/t[1]) * s[2]
}

func (o *enlarge) Forward(p pass) {
	in, out, t := o.x.shape.Size(), o.y.shape.Size(), o.y.shape
	for r := range p.rows {
		x, y := o.x.data.data[r*in:(r+1)*in], o.y.data.data[r*out:(r+1)*out]
		for i := range t[0] {
			for j := range t[1] {
				copy(y[(i*t[1]+j)*t[2]:][:t[2]], x[o.from(i, j):])
			}
		}
	}
}

func (o *enlarge) Backward(p pass) {
	if o.x.grad == nil {
		return
	}
	in, out, t := o.x.shape.Size(), o.y.shape.Size(), o.y.shape
	clear(o.x.grad.data[:p.rows*in])
	for r := range p.rows {
		dx, dy := o.x.grad.data[r*in:(r+1)*in], o.y.grad.data[r*out:(r+1)*out]
		for i := range t[0] {
			for j := range t[1] {
				at, to := (i*t[1]+j)*t[2], o.from(i, j)
				kernel.Add(dx[to:to+t[2]], dy[at:at+t[2]])
			}
		}
	}
}
