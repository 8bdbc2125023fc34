package kernel

// Moments writes the mean and the biased variance of each column of x
// (rows×cols, at least one row). Sums run relative to the first row, so that a
// large mean costs no precision.
func Moments(mean, variance, x []float32, rows, cols int) {
	mean, variance = mean[:cols], variance[:cols]
	for j := 0; j < cols; j += lanes {
		w := min(lanes, cols-j)
		var shift [lanes]float32
		copy(shift[:w], x[j:j+w])
		var sum, square [lanes]float64
		for lo := 0; lo < rows; lo += chunk {
			var s, q [lanes]float32
			for i := lo; i < min(lo+chunk, rows); i++ {
				for l, v := range x[i*cols+j : i*cols+j+w] {
					d := v - shift[l%lanes]
					s[l%lanes] += d
					q[l%lanes] += d * d
				}
			}
			for l := range w {
				sum[l] += float64(s[l])
				square[l] += float64(q[l])
			}
		}
		for l := range w {
			m := sum[l] / float64(rows)
			mean[j+l] = float32(float64(shift[l]) + m)
			variance[j+l] = float32(max(square[l]/float64(rows)-m*m, 0))
		}
	}
}

// ScaleShift writes y = a·x + b for each column of x (rows×cols), and the
// positive part of that if relu is set. y and x may be the same slice.
func ScaleShift(y, x, a, b []float32, rows, cols int, relu bool) {
	a, b = a[:cols], b[:cols]
	for i := range rows {
		xr, yr := x[i*cols:(i+1)*cols], y[i*cols:(i+1)*cols]
		yr = yr[:len(xr)]
		for j, v := range xr {
			v = v*a[j] + b[j]
			if relu && v < 0 {
				v = 0
			}
			yr[j] = v
		}
	}
}

// CenteredSums writes, for each column, sum = Σ dy and dot = Σ dy·(x − mean)
// over the rows. If y is not nil, dy counts only where y > 0.
func CenteredSums(sum, dot, dy, x, y, mean []float32, rows, cols int) {
	sum, dot, mean = sum[:cols], dot[:cols], mean[:cols]
	for j := 0; j < cols; j += lanes {
		w := min(lanes, cols-j)
		var m [lanes]float32
		copy(m[:w], mean[j:j+w])
		var total, totalDot [lanes]float64
		for lo := 0; lo < rows; lo += chunk {
			var s, q [lanes]float32
			for i := lo; i < min(lo+chunk, rows); i++ {
				xr, dr := x[i*cols+j:i*cols+j+w], dy[i*cols+j:i*cols+j+w]
				dr = dr[:len(xr)]
				for l, v := range xr {
					d := dr[l]
					if y != nil && !(y[i*cols+j+l] > 0) {
						continue
					}
					s[l%lanes] += d
					q[l%lanes] += d * (v - m[l%lanes])
				}
			}
			for l := range w {
				total[l] += float64(s[l])
				totalDot[l] += float64(q[l])
			}
		}
		for l := range w {
			sum[j+l], dot[j+l] = float32(total[l]), float32(totalDot[l])
		}
	}
}

// NormBack writes dx = a·dy + p·(x − mean) + q for each column. If y is not
// nil, dy counts only where y > 0. dx and dy may be the same slice.
func NormBack(dx, dy, x, y, a, p, mean, q []float32, rows, cols int) {
	a, p, mean, q = a[:cols], p[:cols], mean[:cols], q[:cols]
	for i := range rows {
		xr := x[i*cols : (i+1)*cols]
		dr := dy[i*cols : (i+1)*cols]
		or := dx[i*cols : (i+1)*cols]
		for j, v := range xr {
			d := dr[j]
			if y != nil && !(y[i*cols+j] > 0) {
				d = 0
			}
			or[j] = a[j]*d + p[j]*(v-mean[j]) + q[j]
		}
	}
}
