package engine

import (
	"fmt"

	"budwood/data"
)

// Conv1D is a convolution along the steps of {steps, features}. The padding is
// "same": the output has ⌈steps/Stride⌉ steps, with half of the zeros before the
// sequence (rounded down) and the rest behind it.
type Conv1D struct {
	Out      int  // features out
	Kernel   int  // steps of the window; 0 means 3
	Stride   int  // 0 means 1
	Dilation int  // distance of the steps in the window; 0 means 1
	Groups   int  // features in and out fall into that many groups; 0 means 1
	Causal   bool // all padding before the sequence: a step sees itself and the steps before it alone
	Valid    bool // no padding; not together with Causal
	Before   int  // zeros before the sequence, and with After those behind it, in place of the padding "same"
	After    int
	NoBias   bool
	Init     Init // of the weights; nil means Kaiming{}
}

func (c Conv1D) defaults() Conv1D {
	if c.Kernel == 0 {
		c.Kernel = 3
	}
	if c.Stride == 0 {
		c.Stride = 1
	}
	if c.Dilation == 0 {
		c.Dilation = 1
	}
	if c.Groups == 0 {
		c.Groups = 1
	}
	return c
}

// Window is what the kernel sees of a sequence of this shape.
func (c Conv1D) Window(in data.Shape) Window {
	c = c.defaults()
	w := Window{In: in[0], Size: c.Kernel, Stride: c.Stride, Dilation: c.Dilation}
	switch {
	case c.Causal:
		return w.same(w.Span() - 1)
	case c.Valid || c.Before > 0 || c.After > 0:
		return w.within(c.Before, c.After)
	}
	w = w.same(0)
	return w.same(max((w.Out-1)*w.Stride+w.Span()-w.In, 0) / 2)
}

// Infer gives {steps, Out}.
func (c Conv1D) Infer(in data.Shape) (data.Shape, error) {
	if err := sequence(c, in); err != nil {
		return nil, err
	}
	if err := sized(c, "features", c.Out, 1); err != nil {
		return nil, err
	}
	for _, x := range []struct {
		what string
		n    int
	}{{"kernel", c.Kernel}, {"stride", c.Stride}, {"dilation", c.Dilation}, {"groups", c.Groups}, {"padding", c.Before}, {"padding", c.After}} {
		if err := sized(c, x.what, x.n, 0); err != nil {
			return nil, err
		}
	}
	c = c.defaults()
	switch {
	case in[1]%c.Groups != 0 || c.Out%c.Groups != 0:
		return nil, fmt.Errorf("%v: %d groups do not divide %d features in and %d out evenly", c, c.Groups, in[1], c.Out)
	case c.Valid && c.Causal:
		return nil, fmt.Errorf("%v: Valid has no padding, Causal is all padding", c)
	case (c.Valid || c.Causal) && (c.Before > 0 || c.After > 0):
		return nil, fmt.Errorf("%v: Valid and Causal say what the padding is, Before and After say another", c)
	}
	w := c.Window(in)
	if w.Out < 1 {
		return nil, fmt.Errorf("%v: the window of %d steps is longer than the sequence %v", c, w.Span(), in)
	}
	return data.Shape{w.Out, c.Out}, nil
}

// String is Conv1D(Out, Kernel), with what is not the default.
func (c Conv1D) String() string {
	c = c.defaults()
	s := fmt.Sprintf("Conv1D(%d, %d", c.Out, c.Kernel)
	if c.Stride != 1 {
		s += fmt.Sprintf(", stride %d", c.Stride)
	}
	if c.Dilation != 1 {
		s += fmt.Sprintf(", dilation %d", c.Dilation)
	}
	if c.Before > 0 || c.After > 0 {
		s += fmt.Sprintf(", padding %d %d", c.Before, c.After)
	}
	if c.Groups != 1 {
		s += fmt.Sprintf(", groups %d", c.Groups)
	}
	if c.Causal {
		s += ", causal"
	}
	if c.Valid {
		s += ", valid"
	}
	return s + ")"
}
