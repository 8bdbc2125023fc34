package kernel

// The functions of this file write y = f(x), or the gradient dx from dy and
// whatever else f' needs: the output y where that is enough, else the input x.
// All slices of a call may be the same.

// ReLU is max(x, 0).
func ReLU(y, x []float32) {
	y = y[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		reluVectors(&y[0], &x[0], v)
		y, x = y[n:], x[n:]
	}
	for i, v := range x {
		if v < 0 {
			v = 0
		}
		y[i] = v
	}
}

// ReLUBack is dy where y > 0, else 0.
func ReLUBack(dx, dy, y []float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	if v, n := whole(len(y)); v > 0 {
		reluBackVectors(&dx[0], &dy[0], &y[0], v)
		dx, dy, y = dx[n:], dy[n:], y[n:]
	}
	for i, v := range y {
		g := dy[i]
		if !(v > 0) {
			g = 0
		}
		dx[i] = g
	}
}

// LeakyReLU is x, or slope·x below 0; 0 < slope < 1.
func LeakyReLU(y, x []float32, slope float32) {
	y = y[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		leakyVectors(&y[0], &x[0], &slope, v)
		y, x = y[n:], x[n:]
	}
	for i, v := range x {
		if v < 0 {
			v *= slope
		}
		y[i] = v
	}
}

// LeakyReLUBack is dy where y > 0, else slope·dy; slope is positive.
func LeakyReLUBack(dx, dy, y []float32, slope float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	if v, n := whole(len(y)); v > 0 {
		leakyBackVectors(&dx[0], &dy[0], &y[0], &slope, v)
		dx, dy, y = dx[n:], dy[n:], y[n:]
	}
	for i, v := range y {
		g := dy[i]
		if !(v > 0) {
			g *= slope
		}
		dx[i] = g
	}
}

// Sigmoid is 1/(1 + exp(−x)).
func Sigmoid(y, x []float32) {
	y = y[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		sigmoidVectors(&y[0], &x[0], v)
		y, x = y[n:], x[n:]
	}
	for i, v := range x {
		y[i] = sigmoid(v)
	}
}

// SigmoidBack is dy·y·(1−y).
func SigmoidBack(dx, dy, y []float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	if v, n := whole(len(y)); v > 0 {
		sigmoidBackVectors(&dx[0], &dy[0], &y[0], v)
		dx, dy, y = dx[n:], dy[n:], y[n:]
	}
	for i, v := range y {
		dx[i] = dy[i] * v * (1 - v)
	}
}

// Tanh is tanh(x).
func Tanh(y, x []float32) {
	y = y[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		tanhVectors(&y[0], &x[0], v)
		y, x = y[n:], x[n:]
	}
	for i, v := range x {
		y[i] = tanh(v)
	}
}

// TanhBack is dy·(1−y²).
func TanhBack(dx, dy, y []float32) {
	dx, dy = dx[:len(y)], dy[:len(y)]
	if v, n := whole(len(y)); v > 0 {
		tanhBackVectors(&dx[0], &dy[0], &y[0], v)
		dx, dy, y = dx[n:], dy[n:], y[n:]
	}
	for i, v := range y {
		dx[i] = dy[i] * (1 - v*v)
	}
}

// SiLU is x·sigmoid(x).
func SiLU(y, x []float32) {
	y = y[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		siluVectors(&y[0], &x[0], v)
		y, x = y[n:], x[n:]
	}
	for i, v := range x {
		y[i] = v * sigmoid(v)
	}
}

// SiLUBack is dy·s·(1 + x·(1−s)) with s = sigmoid(x).
func SiLUBack(dx, dy, x []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		siluBackVectors(&dx[0], &dy[0], &x[0], v)
		dx, dy, x = dx[n:], dy[n:], x[n:]
	}
	for i, v := range x {
		s := sigmoid(v)
		dx[i] = dy[i] * s * (1 + v*(1-s))
	}
}

// GELU is x·Φ(x).
func GELU(y, x []float32) {
	y = y[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		geluVectors(&y[0], &x[0], v)
		y, x = y[n:], x[n:]
	}
	for i, v := range x {
		p, _ := normal(v)
		y[i] = v * p
	}
}

// GELUBack is dy·(Φ(x) + x·φ(x)).
func GELUBack(dx, dy, x []float32) {
	dx, dy = dx[:len(x)], dy[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		geluBackVectors(&dx[0], &dy[0], &x[0], v)
		dx, dy, x = dx[n:], dy[n:], x[n:]
	}
	for i, v := range x {
		p, d := normal(v)
		dx[i] = dy[i] * (p + v*d)
	}
}
