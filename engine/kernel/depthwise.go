package kernel

// MulAdd writes y += x·w for each column: for i < rows, c < cols,
// y[i*rowY+c] += x[i*rowX+c]·w[c]. It is one tap of a depthwise convolution.
func MulAdd(y []float32, rowY int, x []float32, rowX int, w []float32, rows, cols int) {
	w = w[:cols]
	for i := range rows {
		xr, yr := x[i*rowX:i*rowX+cols], y[i*rowY:i*rowY+cols]
		for c, v := range w {
			yr[c] += xr[c] * v
		}
	}
}

// MulSum writes w[c] += Σᵢ x[i*rowX+c]·y[i*rowY+c] over the rows.
func MulSum(w []float32, x []float32, rowX int, y []float32, rowY, rows, cols int) {
	w = w[:cols]
	for i := range rows {
		xr, yr := x[i*rowX:i*rowX+cols], y[i*rowY:i*rowY+cols]
		for c := range w {
			w[c] += xr[c] * yr[c]
		}
	}
}
