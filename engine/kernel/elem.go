package kernel

// Every function has its loop over whole vectors in assembly, where there is
// one, and does the rest in Go.

// Add adds a to dst.
func Add(dst, a []float32) {
	a = a[:len(dst)]
	if v, n := whole(len(dst)); v > 0 {
		addVectors(&dst[0], &a[0], v)
		dst, a = dst[n:], a[n:]
	}
	for i, v := range a {
		dst[i] += v
	}
}

// AddScaled adds s·a to dst.
func AddScaled(dst, a []float32, s float32) {
	a = a[:len(dst)]
	if v, n := whole(len(dst)); v > 0 {
		addScaledVectors(&dst[0], &a[0], &s, v)
		dst, a = dst[n:], a[n:]
	}
	for i, v := range a {
		dst[i] += s * v
	}
}

// Scale multiplies x by s.
func Scale(x []float32, s float32) {
	if v, n := whole(len(x)); v > 0 {
		scaleVectors(&x[0], &s, v)
		x = x[n:]
	}
	for i := range x {
		x[i] *= s
	}
}

// SumSquares is Σ x². Sums of at most block values are taken in float32, and
// added up in float64.
func SumSquares(x []float32) (sum float64) {
	const block = 4096
	for len(x) > 0 {
		part := x[:min(block, len(x))]
		x = x[len(part):]
		if v, n := whole(len(part)); v > 0 {
			var s [lanes]float32
			sumSquaresVectors(&part[0], &s, v)
			for _, v := range s {
				sum += float64(v)
			}
			part = part[n:]
		}
		for _, v := range part {
			sum += float64(v) * float64(v)
		}
	}
	return sum
}

// Finite reports whether x holds neither NaN nor infinity.
func Finite(x []float32) bool {
	var s float32
	if v, n := whole(len(x)); v > 0 {
		var bad [lanes]float32
		finiteVectors(&x[0], &bad, v)
		s = total(&bad)
		x = x[n:]
	}
	for _, v := range x {
		s += v * 0 // 0, or NaN from the first bad value on
	}
	return s == 0
}

// total is the sum of the lanes.
func total(x *[lanes]float32) (s float32) {
	for _, v := range x {
		s += v
	}
	return s
}

// SquareError writes d = scale·(y − t) and returns Σ (y − t)². d and y may be
// the same slice.
func SquareError(d, y, t []float32, scale float32) float64 {
	d, t = d[:len(y)], t[:len(y)]
	var sum float64
	for i, v := range y {
		e := v - t[i]
		sum += float64(e) * float64(e)
		d[i] = scale * e
	}
	return sum
}
