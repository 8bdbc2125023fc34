package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
)

// Window is what a convolution or a pooling sees along one axis: Out windows of Size
// pixels or steps that are Dilation apart, each Stride behind the one before it. The
// first begins Before places before the input.
type Window struct {
	In, Out       int // pixels or steps of the input and of the output
	Size          int // pixels or steps of a window
	Stride        int
	Dilation      int
	Before, After int // padding that windows reach
}

// Span is the number of places from the first of a window to the last.
func (w Window) Span() int { return (w.Size-1)*w.Dilation + 1 }

// padded is the length of the input with its padding.
func (w Window) padded() int { return w.Before + w.In + w.After }

// same sets the output to ⌈In/Stride⌉, with so much padding before the input.
func (w Window) same(before int) Window {
	w.Out, w.Before = (w.In+w.Stride-1)/w.Stride, before
	return w.reached()
}

// within sets the padding. The output is 0 if not even one window fits.
func (w Window) within(before, after int) Window {
	w.Before = before
	if n := before + w.In + after - w.Span(); n >= 0 {
		w.Out = n/w.Stride + 1
	}
	return w.reached()
}

// reached sets After to what the windows reach.
func (w Window) reached() Window {
	w.After = max((w.Out-1)*w.Stride+w.Span()-w.Before-w.In, 0)
	return w
}

// Along is what a window has along the width of an image, where that differs from what
// it has along the height. 0 means the same.
type Along struct{ Size, Stride, Dilation int }

// of fills in what is the same.
func (a Along) of(size, stride, dilation int) Along {
	return Along{cmp.Or(a.Size, size), cmp.Or(a.Stride, stride), cmp.Or(a.Dilation, dilation)}
}

// Pad is rows above and below an image and columns left and right of it.
type Pad struct{ Top, Left, Bottom, Right int }

// checkWindow checks what is written in a description.
func checkWindow[L Layer](l L, size, stride, dilation int, a Along, p Pad, valid bool) error {
	for _, x := range [...]struct {
		what string
		n    int
	}{
		{"window", size}, {"stride", stride}, {"dilation", dilation}, {"window's width", a.Size}, {"stride along the width", a.Stride},
		{"dilation along the width", a.Dilation}, {"padding", p.Top}, {"padding", p.Left}, {"padding", p.Bottom}, {"padding", p.Right},
	} {
		if err := sized(l, x.what, x.n, 0); err != nil {
			return err
		}
	}
	if valid && p != (Pad{}) {
		return fmt.Errorf("%v: Valid has no padding, Pad is padding", l)
	}
	return nil
}

// fits checks that there are windows.
func fits[L Layer](l L, in data.Shape, windows ...Window) error {
	for _, w := range windows {
		if w.Out < 1 {
			return fmt.Errorf("%v: the window is larger than the input %v", l, in)
		}
	}
	return nil
}

// by writes a size along the height and the width: "3×3".
func by(height, width int) string { return fmt.Sprintf("%d×%d", height, width) }

// describeWindow writes what of a window is not the default.
func describeWindow(stride, dilation int, a Along, p Pad) (s string) {
	for _, x := range [...]struct {
		what               string
		n, wide, otherwise int
	}{{"stride", stride, a.Stride, 1}, {"dilation", dilation, a.Dilation, 1}} {
		switch {
		case x.n != x.wide:
			s += fmt.Sprintf(", %s %s", x.what, by(x.n, x.wide))
		case x.n != x.otherwise:
			s += fmt.Sprintf(", %s %d", x.what, x.n)
		}
	}
	switch {
	case p == Pad{}:
	case p == Pad{p.Top, p.Top, p.Top, p.Top}:
		s += fmt.Sprintf(", padding %d", p.Top)
	default:
		s += fmt.Sprintf(", padding %d %d %d %d", p.Top, p.Left, p.Bottom, p.Right)
	}
	return s
}
