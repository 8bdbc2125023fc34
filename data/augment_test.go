package data

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func numbered(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i + 1)
	}
	return x
}

// Moving in place is reading each pixel from where it was.
func TestShift(t *testing.T) {
	const h, w, c = 4, 5, 2
	for dy := -6; dy <= 6; dy++ {
		for dx := -7; dx <= 7; dx++ {
			was, x := numbered(h*w*c), numbered(h*w*c)
			shift(x, h, w, c, dy, dx)
			for i := range x {
				row, col, k := i/(w*c), i/c%w, i%c
				from := (min(max(row+dy, 0), h-1)*w+min(max(col+dx, 0), w-1))*c + k
				if x[i] != was[from] {
					t.Fatalf("shift by %d, %d: pixel %d, %d is %v, want %v", dy, dx, row, col, x[i], was[from])
				}
			}
		}
	}
}

func TestFlip(t *testing.T) {
	x := numbered(2 * 3 * 2)
	flip(x, 2, 3, 2)
	if want := []float32{5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8}; !slices.Equal(x, want) {
		t.Errorf("%v", x)
	}
	flip(x, 2, 3, 2)
	if !slices.Equal(x, numbered(12)) {
		t.Error("twice is not the original")
	}
}

// Every pixel is cut out at some time, and never more than the square.
func TestCutout(t *testing.T) {
	in := Shape{6, 7, 2}
	r := rand.New(rand.NewPCG(1, 2))
	gone := make([]bool, in.Size())
	for range 500 {
		x := numbered(in.Size())
		Augmentation{Cutout: 3}.Augment(x, in, r)
		n := 0
		for i, v := range x {
			if v == 0 {
				gone[i] = true
				n++
			}
		}
		if n > 9*2 || n < 4*2 {
			t.Fatalf("%d values are gone", n)
		}
	}
	if slices.Contains(gone, false) {
		t.Error("a pixel was never cut out")
	}
}

func TestAugmentationFits(t *testing.T) {
	for _, c := range []struct {
		a  Augmentation
		in Shape
		ok bool
	}{
		{Augmentation{Flip: true, Crop: 4, Cutout: 8}, Shape{3, 3, 1}, true},
		{Augmentation{}, Shape{9}, false},
		{Augmentation{Crop: -1}, Shape{3, 3, 1}, false},
		{Augmentation{Cutout: -1}, Shape{3, 3, 1}, false},
	} {
		if err := c.a.Fits(c.in); (err == nil) != c.ok {
			t.Errorf("%+v of %v: %v", c.a, c.in, err)
		}
		if c.ok { // a window and a hole larger than the image are no trouble
			r := rand.New(rand.NewPCG(3, 4))
			for range 100 {
				c.a.Augment(make([]float32, c.in.Size()), c.in, r)
			}
		}
	}
}
