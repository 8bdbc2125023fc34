package kernel

// MulAdd writes y += x·w for each column: for i < rows, c < cols,
// y[i*rowY+c] += x[i*rowX+c]·w[c]. It is one tap of a depthwise convolution.
func MulAdd(y []float32, rowY int, x []float32, rowX int, w []float32, rows, cols int) {
	w = w[:cols]
	y, x = y[:(rows-1)*rowY+cols], x[:(rows-1)*rowX+cols]
	n, done := whole(cols)
	for q := range n {
		c := q * width()
		mulAddStrip(&y[c], &x[c], &w[c], 4*rowY, 4*rowX, rows)
	}
	if done == cols {
		return
	}
	for i := range rows {
		xr, yr := x[i*rowX:i*rowX+cols], y[i*rowY:i*rowY+cols]
		for c := done; c < cols; c++ {
			yr[c] += xr[c] * w[c]
		}
	}
}

// MulSum writes w[c] += Σᵢ x[i*rowX+c]·y[i*rowY+c] over the rows.
func MulSum(w []float32, x []float32, rowX int, y []float32, rowY, rows, cols int) {
	w = w[:cols]
	y, x = y[:(rows-1)*rowY+cols], x[:(rows-1)*rowX+cols]
	n, done := whole(cols)
	for q := range n {
		c := q * width()
		mulSumStrip(&w[c], &x[c], &y[c], 4*rowX, 4*rowY, rows)
	}
	if done == cols {
		return
	}
	for i := range rows {
		xr, yr := x[i*rowX:i*rowX+cols], y[i*rowY:i*rowY+cols]
		for c := done; c < cols; c++ {
			w[c] += xr[c] * yr[c]
		}
	}
}

// Depthwise is the geometry of a depthwise convolution with windows of 3×3 pixels
// over a padded image: C channels, rows of Width pixels, windows Stride apart.
type Depthwise struct{ C, Width, Stride int }

// Row writes a row of n outputs: y[i*C+c] is b[c], 0 if b is nil, plus the sum of
// w[t*C+c] times pixel t of window i of x, in channel c.
func (d Depthwise) Row(y, x, w, b []float32, n int) {
	y, x, w = y[:n*d.C], x[:d.reach(n)], w[:9*d.C]
	vectors, done := whole(d.C)
	for q := range vectors {
		c := q * width()
		var bias *float32
		if b != nil {
			bias = &b[c]
		}
		depthwiseStrip(&y[c], &x[c], &w[c], bias, 4*d.Width*d.C, 4*d.Stride*d.C, 4*d.C, n)
	}
	d.rest(done, n, func(i, c int) {
		var s float32
		if b != nil {
			s = b[c]
		}
		for t := range 9 {
			s += w[t*d.C+c] * x[d.at(i, t)+c]
		}
		y[i*d.C+c] = s
	})
}

// Sums adds the products of n gradients dy and the pixels of their windows to w,
// the gradient of the weights.
func (d Depthwise) Sums(w, x, dy []float32, n int) {
	w, x, dy = w[:9*d.C], x[:d.reach(n)], dy[:n*d.C]
	vectors, done := whole(d.C)
	for q := range vectors {
		c := q * width()
		depthwiseSumsStrip(&w[c], &x[c], &dy[c], 4*d.Width*d.C, 4*d.Stride*d.C, 4*d.C, n)
	}
	d.rest(done, n, func(i, c int) {
		for t := range 9 {
			w[t*d.C+c] += x[d.at(i, t)+c] * dy[i*d.C+c]
		}
	})
}

// at is the place in x of pixel t of window i.
func (d Depthwise) at(i, t int) int { return (t/3*d.Width + i*d.Stride + t%3) * d.C }

// reach is the length of x that n windows cover.
func (d Depthwise) reach(n int) int { return d.at(n-1, 8) + d.C }

// rest calls f for the channels from the first on that are left.
func (d Depthwise) rest(first, n int, f func(i, c int)) {
	for c := first; c < d.C; c++ {
		for i := range n {
			f(i, c)
		}
	}
}
