package engine

import (
	"fmt"

	"budwood/data"
)

// Conv is a 2-D convolution over {height, width, channels}. The padding is
// "same": the output is ⌈height/Stride⌉ × ⌈width/Stride⌉, with (Kernel−1)/2
// rows and columns of zeros before the image and the rest behind it.
type Conv struct {
	Out    int // channels out
	Kernel int // side of the square kernel; 0 means 3
	Stride int // 0 means 1
	Groups int // channels in and out fall into that many groups; 0 means 1; the number of channels is a depthwise convolution
	NoBias bool
	Valid  bool // no padding: the output is (height−Kernel)/Stride + 1
	Init   Init // of the weights; nil means Kaiming{}
}

func (c Conv) defaults() Conv {
	if c.Kernel == 0 {
		c.Kernel = 3
	}
	if c.Stride == 0 {
		c.Stride = 1
	}
	if c.Groups == 0 {
		c.Groups = 1
	}
	return c
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
	if err := sized(c, "stride", c.Stride, 0); err != nil {
		return nil, err
	}
	if err := sized(c, "groups", c.Groups, 0); err != nil {
		return nil, err
	}
	c = c.defaults()
	if in[2]%c.Groups != 0 || c.Out%c.Groups != 0 {
		return nil, fmt.Errorf("%v: %d groups divide neither evenly %d channels in nor %d out", c, c.Groups, in[2], c.Out)
	}
	if c.Valid && (c.Kernel > in[0] || c.Kernel > in[1]) {
		return nil, fmt.Errorf("%v: the kernel is larger than the image %v", c, in)
	}
	return data.Shape{c.along(in[0]), c.along(in[1]), c.Out}, nil
}

// along is how many places the kernel takes along n pixels.
func (c *Conv) along(n int) int {
	if c.Valid {
		return (n-c.Kernel)/c.Stride + 1
	}
	return (n + c.Stride - 1) / c.Stride
}

// String is Conv(Out, 3×3), with stride, groups and valid where they are not
// the default.
func (c Conv) String() string {
	c = c.defaults()
	s := fmt.Sprintf("Conv(%d, %d×%d", c.Out, c.Kernel, c.Kernel)
	if c.Stride != 1 {
		s += fmt.Sprintf(", stride %d", c.Stride)
	}
	if c.Groups != 1 {
		s += fmt.Sprintf(", groups %d", c.Groups)
	}
	if c.Valid {
		s += ", valid"
	}
	return s + ")"
}
