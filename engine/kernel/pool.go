package kernel

// Pool is the geometry of pooling one image in windows that do not overlap:
// H×W×C in, ⌊H/Size⌋×⌊W/Size⌋×C out. Rows and columns that fill no window take
// no part; their gradient is 0.
type Pool struct{ H, W, C, Size int }

// each calls f with the input offset and output offset of every window.
func (p Pool) each(f func(in, out int)) {
	out := 0
	for i := range p.H / p.Size {
		for j := range p.W / p.Size {
			f((i*p.W+j)*p.Size*p.C, out)
			out += p.C
		}
	}
}

// Max writes the maximum of each window of x to y.
func (p Pool) Max(y, x []float32) {
	y, x = y[:(p.H/p.Size)*(p.W/p.Size)*p.C], x[:p.H*p.W*p.C]
	done := 0 // channels
	if p.Size == 2 {
		var n int
		n, done = whole(p.C)
		w := p.W / 2
		for i := range p.H / 2 {
			for q := range n {
				c := q * width()
				maxPoolStrip(&y[i*w*p.C+c], &x[2*i*p.W*p.C+c], 4*p.W*p.C, 4*p.C, w)
			}
		}
	}
	if done == p.C {
		return
	}
	p.each(func(in, out int) {
		yr := y[out : out+p.C]
		copy(yr[done:], x[in+done:in+p.C])
		for r := range p.Size {
			for s := range p.Size {
				at := in + (r*p.W+s)*p.C
				for c := done; c < p.C; c++ {
					if v := x[at+c]; v > yr[c] || v != v {
						yr[c] = v
					}
				}
			}
		}
	})
}

// MaxBack gives the gradient dy of each window to the first input that equals
// the maximum y.
func (p Pool) MaxBack(dx, dy, x, y []float32) {
	n := (p.H / p.Size) * (p.W / p.Size) * p.C
	dx, dy, x, y = dx[:p.H*p.W*p.C], dy[:n], x[:p.H*p.W*p.C], y[:n]
	p.clearEdges(dx)
	done := 0 // channels
	if p.Size == 2 {
		var n int
		n, done = whole(p.C)
		w := p.W / 2
		for i := range p.H / 2 {
			for q := range n {
				c := q * width()
				at, out := 2*i*p.W*p.C+c, i*w*p.C+c
				maxPoolBackStrip(&dx[at], &dy[out], &x[at], &y[out], 4*p.W*p.C, 4*p.C, w)
			}
		}
	}
	if done == p.C {
		return
	}
	p.each(func(in, out int) {
		for c := done; c < p.C; c++ {
			best, g := y[out+c], dy[out+c]
			for r := range p.Size {
				at := in + r*p.W*p.C + c
				for range p.Size {
					d := float32(0)
					if x[at] == best {
						d, g = g, 0
					}
					dx[at] = d
					at += p.C
				}
			}
		}
	})
}

// Avg writes the mean of each window of x to y.
func (p Pool) Avg(y, x []float32) {
	scale := 1 / float32(p.Size*p.Size)
	p.each(func(in, out int) {
		yr := y[out : out+p.C]
		clear(yr)
		for r := range p.Size {
			for s := range p.Size {
				at := in + (r*p.W+s)*p.C
				Add(yr, x[at:at+p.C])
			}
		}
		Scale(yr, scale)
	})
}

// AvgBack spreads the gradient dy of each window over its inputs.
func (p Pool) AvgBack(dx, dy []float32) {
	p.clearEdges(dx)
	scale := 1 / float32(p.Size*p.Size)
	p.each(func(in, out int) {
		for r := range p.Size {
			for s := range p.Size {
				at := in + (r*p.W+s)*p.C
				dr := dx[at : at+p.C]
				for c, v := range dy[out : out+p.C] {
					dr[c] = scale * v
				}
			}
		}
	})
}

// clearEdges sets the gradient of rows and columns without a window to 0.
func (p Pool) clearEdges(dx []float32) {
	h, w := p.H/p.Size*p.Size, p.W/p.Size*p.Size
	clear(dx[h*p.W*p.C : p.H*p.W*p.C])
	if w < p.W {
		for i := range h {
			clear(dx[(i*p.W+w)*p.C : (i+1)*p.W*p.C])
		}
	}
}

// Max writes the larger of y and x to y; NaN stays.
func Max(y, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		if v > y[i] || v != v {
			y[i] = v
		}
	}
}

// MaxBack gives the gradient dy of the maximum y of each column of x to the first
// value that equals it; the others get 0. dy is used up.
func MaxBack(dx, dy, x, y []float32) {
	dx, c := dx[:len(x)], len(y)
	dy = dy[:c]
	for at := 0; at+c <= len(x); at += c {
		for j, v := range x[at : at+c] {
			d := float32(0)
			if v == y[j] {
				d, dy[j] = dy[j], 0
			}
			dx[at+j] = d
		}
	}
}
