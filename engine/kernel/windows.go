package kernel

// Windows is the geometry of maxima over the windows of one image that may overlap and
// reach into a padding, which counts as −∞: H×W×C in, OutH×OutW×C out. The first window
// begins Top rows above the image and Left columns beside it. Every window must hold a
// pixel.
type Windows struct {
	H, W, C, OutH, OutW int
	Height, StrideH     int // rows of a window, and from window to window
	Width, StrideW      int // the same of columns
	Top, Left           int
}

// of is the rows or columns of the image, lo … hi−1, in window i.
func of(i, stride, size, before, n int) (lo, hi int) {
	lo = i*stride - before
	return max(lo, 0), min(lo+size, n)
}

// Max writes the maximum of each window of x to y. row is scratch of W·C values.
func (p Windows) Max(y, x, row []float32) {
	line := p.W * p.C
	row = row[:line]
	for i := range p.OutH {
		lo, hi := of(i, p.StrideH, p.Height, p.Top, p.H)
		copy(row, x[lo*line:])
		for r := lo + 1; r < hi; r++ {
			Max(row, x[r*line:(r+1)*line])
		}
		for j := range p.OutW {
			lo, hi := of(j, p.StrideW, p.Width, p.Left, p.W)
			to := y[(i*p.OutW+j)*p.C:][:p.C]
			copy(to, row[lo*p.C:])
			for s := lo + 1; s < hi; s++ {
				Max(to, row[s*p.C:(s+1)*p.C])
			}
		}
	}
}

// MaxBack gives the gradient dy of each window to the first pixel, row by row, that
// equals the maximum y; what a pixel gets of several windows is added. left is scratch
// of C values.
func (p Windows) MaxBack(dx, dy, x, y, left []float32) {
	clear(dx[:p.H*p.W*p.C])
	left = left[:p.C]
	for i := range p.OutH {
		top, bottom := of(i, p.StrideH, p.Height, p.Top, p.H)
		for j := range p.OutW {
			lo, hi := of(j, p.StrideW, p.Width, p.Left, p.W)
			at := (i*p.OutW + j) * p.C
			best := y[at : at+p.C]
			copy(left, dy[at:])
			for r := top; r < bottom; r++ {
				for s := lo; s < hi; s++ {
					at := (r*p.W + s) * p.C
					d, v := dx[at:at+p.C], x[at:at+p.C]
					for c, b := range best {
						if v[c] == b {
							d[c] += left[c]
							left[c] = 0
						}
					}
				}
			}
		}
	}
}
