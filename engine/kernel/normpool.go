package kernel

// The methods of this file are batch normalisation, ReLU and the maximum of 2×2
// windows in one, for the channels of one image: y = max of z over a window,
// z = max(a·x + b, 0). Nothing but x and y is ever stored; size must be 2.

// NormMax writes y.
func (p Pool) NormMax(y, x, a, b []float32) {
	w := p.W / 2
	y, x = y[:p.H/2*w*p.C], x[:p.H*p.W*p.C]
	n, done := whole(p.C)
	for i := range p.H / 2 {
		for q := range n {
			c := q * width()
			normMaxStrip(&y[i*w*p.C+c], &x[2*i*p.W*p.C+c], &a[c], &b[c], 4*p.W*p.C, 4*p.C, w)
		}
	}
	p.channels(done, func(in, out, c int) {
		z, _ := p.first(x[in:], a[c], b[c])
		if z < 0 {
			z = 0
		}
		y[out] = z
	})
}

// NormMaxSums adds, for each channel, dy to sum and dy·(x − mean) to dot, where x
// is the first value of the window that has its maximum, if that is above 0.
func (p Pool) NormMaxSums(sum, dot []float64, dy, x, a, b, mean []float32) {
	w := p.W / 2
	dy, x = dy[:p.H/2*w*p.C], x[:p.H*p.W*p.C]
	n, done := whole(p.C)
	for q := range n {
		c := q * width()
		var u, v [lanes]float32
		for i := range p.H / 2 {
			normMaxSumsStrip(&dy[i*w*p.C+c], &x[2*i*p.W*p.C+c], &a[c], &b[c], &mean[c], &u[0], &v[0], 4*p.W*p.C, 4*p.C, w)
		}
		for i := range width() {
			sum[c+i] += float64(u[i])
			dot[c+i] += float64(v[i])
		}
	}
	p.channels(done, func(in, out, c int) {
		if z, at := p.first(x[in:], a[c], b[c]); z > 0 {
			sum[c] += float64(dy[out])
			dot[c] += float64(dy[out] * (x[in+at] - mean[c]))
		}
	})
}

// NormMaxBack writes dx = s·(x − mean) + q, plus a·dy for the first value of each
// window that has its maximum, if that is above 0.
func (p Pool) NormMaxBack(dx, dy, x, a, b, s, mean, q []float32) {
	w := p.W / 2
	dx, dy, x = dx[:p.H*p.W*p.C], dy[:p.H/2*w*p.C], x[:p.H*p.W*p.C]
	n, done := whole(p.C)
	for i := range p.H / 2 {
		for k := range n {
			c := k * width()
			at := 2*i*p.W*p.C + c
			normMaxBackStrip(&dx[at], &dy[i*w*p.C+c], &x[at], &a[c], &b[c], &s[c], &mean[c], &q[c], 4*p.W*p.C, 4*p.C, w)
		}
	}
	plain := func(at, c int) { dx[at] = s[c]*(x[at]-mean[c]) + q[c] }
	p.channels(done, func(in, out, c int) {
		z, first := p.first(x[in:], a[c], b[c])
		for _, at := range p.window() {
			plain(in+at, c)
		}
		if z > 0 {
			dx[in+first] += a[c] * dy[out]
		}
	})
	if p.W%2 == 1 {
		for i := range p.H / 2 * 2 {
			for c := range p.C {
				plain((i*p.W+p.W-1)*p.C+c, c)
			}
		}
	}
	if p.H%2 == 1 {
		for j := range p.W {
			for c := range p.C {
				plain(((p.H-1)*p.W+j)*p.C+c, c)
			}
		}
	}
}

// window is the distances of the values of a 2×2 window.
func (p Pool) window() [4]int { return [4]int{0, p.C, p.W * p.C, (p.W + 1) * p.C} }

// first is the maximum of a·x + b over the window that x begins with, NaN if one
// is, and where it first is.
func (p Pool) first(x []float32, a, b float32) (z float32, at int) {
	z = a*x[0] + b
	for _, i := range p.window() {
		if v := a*x[i] + b; v > z || v != v {
			z, at = v, i
		}
	}
	return z, at
}

// channels calls f for each window and the channels from the first on that are
// left: offsets in x and y, and the channel.
func (p Pool) channels(first int, f func(in, out, c int)) {
	if first == p.C {
		return
	}
	p.each(func(in, out int) {
		for c := first; c < p.C; c++ {
			f(in+c, out+c, c)
		}
	})
}
