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
