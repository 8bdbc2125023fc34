package kernel

import "math"

// Add adds a to dst.
func Add(dst, a []float32) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] += v
	}
}

// Scale multiplies x by s.
func Scale(x []float32, s float32) {
	for i := range x {
		x[i] *= s
	}
}

// AddScaled writes dst += s·a.
func AddScaled(dst, a []float32, s float32) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] += s * v
	}
}

// SumSquares is Σ x², accumulated in float64.
func SumSquares(x []float32) float64 {
	var s0, s1 float64
	for ; len(x) >= 2; x = x[2:] {
		a, b := float64(x[0]), float64(x[1])
		s0 += a * a
		s1 += b * b
	}
	if len(x) == 1 {
		s0 += float64(x[0]) * float64(x[0])
	}
	return s0 + s1
}

// Finite tells whether x holds neither NaN nor infinity.
func Finite(x []float32) bool {
	var s float32
	for _, v := range x {
		s += v * 0 // 0, or NaN from the first bad value on
	}
	return s == 0
}

// ColSum writes the sum of each column of x (rows×cols) to dst.
func ColSum(dst, x []float32, rows, cols int) {
	dst = dst[:cols]
	clear(dst)
	for lo := 0; lo < rows; lo += chunk {
		hi := min(lo+chunk, rows)
		for j := 0; j < cols; j += lanes {
			var s [lanes]float32
			w := min(lanes, cols-j)
			for i := lo; i < hi; i++ {
				for q, v := range x[i*cols+j : i*cols+j+w] {
					s[q%lanes] += v
				}
			}
			Add(dst[j:j+w], s[:w])
		}
	}
}

// Sums over many rows run over chunks of rows, so that rounding errors of a
// float32 sum stay small; lanes columns are summed at once.
const (
	chunk = 128
	lanes = 16
)

// SquareError writes d = scale·(y − t) and returns Σ (y − t)².
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

// Dropout writes y = x/(1−p) where a random number of the stream named by key
// is at least p, else 0. The same key gives the same choice. y and x may be the
// same slice.
func Dropout(y, x []float32, key uint64, p float64) {
	y = y[:len(x)]
	limit := uint32(min(p*(1<<32), math.MaxUint32))
	scale := float32(1 / (1 - p))
	for i, v := range x {
		key += 0x9e3779b97f4a7c15
		if mix(key) < limit {
			v = 0
		} else {
			v *= scale
		}
		y[i] = v
	}
}

// mix is the output function of SplitMix64 (Steele et al. 2014).
func mix(z uint64) uint32 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return uint32((z ^ z>>31) >> 32)
}
