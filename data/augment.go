package data

import (
	"fmt"
	"math/rand/v2"
)

// Augmentation changes training images, anew in each epoch; see
// TrainConfig of package engine. The zero value changes nothing.
type Augmentation struct {
	Flip   bool // mirrors every other image, left to right
	Crop   int  // pixels of padding on each side, out of which a window of the old size is cut: the image moves by up to so much; the pixels at the edges fill what becomes free
	Cutout int  // side of a square around a random pixel that is set to 0, the mean of all pixels (DeVries & Taylor 2017)
}

// Fits wants images.
func (a Augmentation) Fits(in Shape) error {
	switch {
	case a.Crop < 0 || a.Cutout < 0:
		return fmt.Errorf("crop %d or cutout %d is negative; 0 means none", a.Crop, a.Cutout)
	case len(in) != 3:
		return fmt.Errorf("rows of %v are no images of height×width×channels", in)
	}
	return nil
}

// Augment flips, crops and cuts.
func (a Augmentation) Augment(x []float32, in Shape, r *rand.Rand) {
	h, w, c := in[0], in[1], in[2]
	if a.Flip && r.IntN(2) == 1 {
		flip(x, h, w, c)
	}
	if n := a.Crop; n > 0 {
		dy, dx := r.IntN(2*n+1)-n, r.IntN(2*n+1)-n
		shift(x, h, w, c, dy, dx)
	}
	if n := a.Cutout; n > 0 {
		cy, cx := r.IntN(h)-n/2, r.IntN(w)-n/2
		from, to := max(cx, 0), min(cx+n, w)
		for y := max(cy, 0); y < min(cy+n, h); y++ {
			clear(x[(y*w+from)*c : (y*w+to)*c])
		}
	}
}

// flip mirrors an image, left to right.
func flip(x []float32, h, w, c int) {
	for row := range h {
		line := x[row*w*c : (row+1)*w*c]
		for i, j := 0, (w-1)*c; i < j; i, j = i+c, j-c {
			for k := range c {
				line[i+k], line[j+k] = line[j+k], line[i+k]
			}
		}
	}
}

// shift moves an image by −dy and −dx in place: the pixel at y, x is then the one
// that was at y+dy, x+dx, or the nearest to it. Rows are taken in the order in
// which none is overwritten before it is read.
func shift(x []float32, h, w, c, dy, dx int) {
	lo, hi := min(max(-dx, 0), w), max(min(w-dx, w), 0) // columns that come from inside
	for i := range h {
		row := i
		if dy < 0 {
			row = h - 1 - i
		}
		at := x[min(max(row+dy, 0), h-1)*w*c:][:w*c]
		line := x[row*w*c:][:w*c]
		if lo < hi {
			copy(line[lo*c:hi*c], at[(lo+dx)*c:])
		}
		for col := range lo {
			copy(line[col*c:(col+1)*c], at[:c])
		}
		for col := max(hi, lo); col < w; col++ {
			copy(line[col*c:(col+1)*c], at[(w-1)*c:])
		}
	}
}
