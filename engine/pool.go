package engine

import "fmt"

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

// GlobalAvgPool takes the mean of each channel over the whole image.
type GlobalAvgPool struct{}

// Infer gives {height/Size, width/Size, channels}.
func (p MaxPool) Infer(in Shape) (Shape, error) { return pooled(p, in, p.Size) }

// Infer gives {height/Size, width/Size, channels}.
func (p AvgPool) Infer(in Shape) (Shape, error) { return pooled(p, in, p.Size) }

// Infer gives {channels}.
func (p GlobalAvgPool) Infer(in Shape) (Shape, error) {
	if err := image(p, in); err != nil {
		return nil, err
	}
	return Shape{in[2]}, nil
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

func (MaxPool) cost(_, out Shape) Cost       { return Cost{Activations: int64(out.Size())} }
func (AvgPool) cost(_, out Shape) Cost       { return Cost{Activations: int64(out.Size())} }
func (GlobalAvgPool) cost(_, out Shape) Cost { return Cost{Activations: int64(out.Size())} }
