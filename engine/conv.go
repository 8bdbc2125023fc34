package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
)

// Conv is a 2-D convolution over {height, width, channels}. The padding is
// "same": the output is ⌈height/Stride⌉ × ⌈width/Stride⌉, with half of what a window
// spans (rounded down, its first pixel not counted) of rows and columns of zeros before
// the image and the rest behind it. Pad and Valid are others.
type Conv struct {
	Out      int // channels out
	Kernel   int // height of the kernel, and its width if Columns has no other; 0 means 3
	Stride   int // 0 means 1
	Dilation int // distance of the pixels of a window; 0 means 1
	Groups   int // channels in and out fall into that many groups; 0 means 1; the number of channels is a depthwise convolution
	NoBias   bool
	Valid    bool  // no padding: the output is (height−Kernel)/Stride + 1
	Columns  Along // kernel, stride and dilation along the width, where they differ
	Pad      Pad   // zeros around the image; none at all means the padding "same", or Valid
	Init     Init  // of the weights; nil means Kaiming{}
}

func (c Conv) defaults() Conv {
	c.Kernel, c.Stride, c.Dilation, c.Groups = cmp.Or(c.Kernel, 3), cmp.Or(c.Stride, 1), cmp.Or(c.Dilation, 1), cmp.Or(c.Groups, 1)
	c.Columns = c.Columns.of(c.Kernel, c.Stride, c.Dilation)
	return c
}

// Windows is what the kernel sees along the height and along the width of an image of
// this shape.
func (c Conv) Windows(in data.Shape) (rows, columns Window) {
	c = c.defaults()
	rows = Window{In: in[0], Size: c.Kernel, Stride: c.Stride, Dilation: c.Dilation}
	columns = Window{In: in[1], Size: c.Columns.Size, Stride: c.Columns.Stride, Dilation: c.Columns.Dilation}
	if c.Valid || c.Pad != (Pad{}) {
		return rows.within(c.Pad.Top, c.Pad.Bottom), columns.within(c.Pad.Left, c.Pad.Right)
	}
	return rows.same((rows.Span() - 1) / 2), columns.same((columns.Span() - 1) / 2)
}

// Infer gives {height, width, Out}.
func (c Conv) Infer(in data.Shape) (data.Shape, error) {
	if err := image(c, in); err != nil {
		return nil, err
	}
	if err := sized(c, "channels", c.Out, 1); err != nil {
		return nil, err
	}
	if err := sized(c, "kernel", c.Kernel, 0); err != nil {
		return nil, err
	}
	if err := checkWindow(c, c.Kernel, c.Stride, c.Dilation, c.Columns, c.Pad, c.Valid); err != nil {
		return nil, err
	}
	if err := sized(c, "groups", c.Groups, 0); err != nil {
		return nil, err
	}
	groups := cmp.Or(c.Groups, 1)
	if in[2]%groups != 0 || c.Out%groups != 0 {
		return nil, fmt.Errorf("%v: %d groups divide neither evenly %d channels in nor %d out", c, groups, in[2], c.Out)
	}
	rows, columns := c.Windows(in)
	if rows.Out < 1 || columns.Out < 1 {
		return nil, fmt.Errorf("%v: the kernel is larger than the image %v", c, in)
	}
	return data.Shape{rows.Out, columns.Out, c.Out}, nil
}

// String is Conv(Out, 3×3), with stride, dilation, padding, groups and valid where they
// are not the default.
func (c Conv) String() string {
	c = c.defaults()
	s := fmt.Sprintf("Conv(%d, %s", c.Out, by(c.Kernel, c.Columns.Size)) + describeWindow(c.Stride, c.Dilation, c.Columns, c.Pad)
	if c.Groups != 1 {
		s += fmt.Sprintf(", groups %d", c.Groups)
	}
	if c.Valid {
		s += ", valid"
	}
	return s + ")"
}
