package data

import (
	"math/rand/v2"

	"budwood/engine"
)

// Shift copies a set of images, each moved by up to n pixels in either
// direction; the pixels at the edges fill what becomes free. It is the cheapest
// augmentation there is: a network trained on other positions each epoch learns
// them all. The copy goes to dst, which keeps its memory for the next epoch, and
// shares everything but the images with src. Sets of other shapes stay as they
// are.
func Shift(dst, src *engine.Set, n int, r *rand.Rand) {
	x := dst.X
	*dst = *src
	if n < 1 || len(src.Shape) != 3 {
		return
	}
	if len(x) != len(src.X) {
		x = make([]float32, len(src.X))
	}
	dst.X = x
	h, w, c := src.Shape[0], src.Shape[1], src.Shape[2]
	size := h * w * c
	for i := range src.Len() {
		dy, dx := r.IntN(2*n+1)-n, r.IntN(2*n+1)-n
		from, to := src.X[i*size:(i+1)*size], x[i*size:(i+1)*size]
		for row := range h {
			at := from[min(max(row+dy, 0), h-1)*w*c:][:w*c]
			line := to[row*w*c:][:w*c]
			lo, hi := min(max(-dx, 0), w), max(min(w-dx, w), 0) // columns that come from inside
			for col := range lo {
				copy(line[col*c:(col+1)*c], at[:c])
			}
			if lo < hi {
				copy(line[lo*c:hi*c], at[(lo+dx)*c:])
			}
			for col := max(hi, lo); col < w; col++ {
				copy(line[col*c:(col+1)*c], at[(w-1)*c:])
			}
		}
	}
}
