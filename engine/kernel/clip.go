package kernel

// Clip is x, but lo where it is below and hi where it is above.
func Clip(y, x []float32, lo, hi float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = min(max(v, lo), hi)
	}
}

// ClipBack is dy where lo < y < hi, else 0.
func ClipBack(dx, dy, y []float32, lo, hi float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	for i, v := range y {
		g := dy[i]
		if !(v > lo && v < hi) {
			g = 0
		}
		dx[i] = g
	}
}

// HardSigmoid is alpha·x + beta, clipped to 0 … 1.
func HardSigmoid(y, x []float32, alpha, beta float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = min(max(float32(alpha*v)+beta, 0), 1)
	}
}

// HardSigmoidBack is alpha·dy where 0 < y < 1, else 0.
func HardSigmoidBack(dx, dy, y []float32, alpha float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	for i, v := range y {
		g := alpha * dy[i]
		if !(v > 0 && v < 1) {
			g = 0
		}
		dx[i] = g
	}
}

// HardSwish is x·clip(x + 3, 0, 6)/6.
func HardSwish(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = v * min(max(v+3, 0), 6) * (1. / 6)
	}
}

// HardSwishBack is dy·(2x + 3)/6, but 0 below −3 and dy above 3.
func HardSwishBack(dx, dy, x []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	for i, v := range x {
		g := dy[i]
		switch {
		case v <= -3:
			g = 0
		case v < 3:
			g *= (float32(2*v) + 3) * (1. / 6)
		}
		dx[i] = g
	}
}
