package kernel

// ColSum writes the sum of each column of x (rows×cols) to dst.
func ColSum(dst, x []float32, rows, cols int) {
	dst, x = dst[:cols], x[:rows*cols]
	spans(rows, cols, func(s span) {
		var sum [group]float64
		s.chunks(func(at, n, column int) {
			var part [lanes]float32
			colSumStrip(&x[at], &part[0], s.bytes(), n)
			s.gather(&sum, column, &part)
		})
		s.rest(func(at, lo, hi int) {
			for j := lo; j < hi; j++ {
				sum[j] += float64(x[at+j-lo])
			}
		})
		for j := range s.cols {
			dst[s.first+j] = float32(sum[j])
		}
	})
}

// Moments writes the mean and the biased variance of each column of x
// (rows×cols, at least one row). Sums run relative to the first row, so that a
// large mean costs no precision.
func Moments(mean, variance, x []float32, rows, cols int) {
	mean, variance, x = mean[:cols], variance[:cols], x[:rows*cols]
	spans(rows, cols, func(s span) {
		var shift [group]float32
		s.spread(&shift, x)
		var sum, square [group]float64
		s.chunks(func(at, n, column int) {
			var a, b [lanes]float32
			momentsStrip(&x[at], &shift[column], &a[0], &b[0], s.bytes(), n)
			s.gather(&sum, column, &a)
			s.gather(&square, column, &b)
		})
		s.rest(func(at, lo, hi int) {
			for j := lo; j < hi; j++ {
				d := float64(x[at+j-lo] - shift[j])
				sum[j] += d
				square[j] += d * d
			}
		})
		for j := range s.cols {
			m := sum[j] / float64(rows)
			mean[s.first+j] = float32(float64(shift[j]) + m)
			variance[s.first+j] = float32(max(square[j]/float64(rows)-m*m, 0))
		}
	})
}

// ScaleShift writes y = a·x + b for each column of x (rows×cols), and the
// positive part of that if relu is set. y and x may be the same slice.
func ScaleShift(y, x, a, b []float32, rows, cols int, relu bool) {
	y, x = y[:rows*cols], x[:rows*cols]
	spans(rows, cols, func(s span) {
		var as, bs [group]float32
		s.spread(&as, a)
		s.spread(&bs, b)
		s.chunks(func(at, n, column int) {
			if relu {
				scaleShiftReLUStrip(&y[at], &x[at], &as[column], &bs[column], s.bytes(), n)
			} else {
				scaleShiftStrip(&y[at], &x[at], &as[column], &bs[column], s.bytes(), n)
			}
		})
		s.rest(func(at, lo, hi int) {
			for j := lo; j < hi; j++ {
				v := x[at+j-lo]*as[j] + bs[j]
				if relu && v < 0 {
					v = 0
				}
				y[at+j-lo] = v
			}
		})
	})
}

// CenteredSums writes, for each column, sum = Σ dy and dot = Σ dy·(x − mean)
// over the rows. If y is not nil, dy counts only where y > 0.
func CenteredSums(sum, dot, dy, x, y, mean []float32, rows, cols int) {
	sum, dot, dy, x = sum[:cols], dot[:cols], dy[:rows*cols], x[:rows*cols]
	if y != nil {
		y = y[:rows*cols]
	}
	spans(rows, cols, func(s span) {
		var center [group]float32
		s.spread(&center, mean)
		var total, product [group]float64
		s.chunks(func(at, n, column int) {
			var a, b [lanes]float32
			if y != nil {
				centeredMaskStrip(&dy[at], &x[at], &y[at], &center[column], &a[0], &b[0], s.bytes(), n)
			} else {
				centeredStrip(&dy[at], &x[at], &center[column], &a[0], &b[0], s.bytes(), n)
			}
			s.gather(&total, column, &a)
			s.gather(&product, column, &b)
		})
		s.rest(func(at, lo, hi int) {
			for j := lo; j < hi; j++ {
				i := at + j - lo
				if y == nil || y[i] > 0 {
					total[j] += float64(dy[i])
					product[j] += float64(dy[i] * (x[i] - center[j]))
				}
			}
		})
		for j := range s.cols {
			sum[s.first+j], dot[s.first+j] = float32(total[j]), float32(product[j])
		}
	})
}

// NormBack writes dx = a·dy + p·(x − mean) + q for each column. If y is not
// nil, dy counts only where y > 0. dx and dy may be the same slice.
func NormBack(dx, dy, x, y, a, p, mean, q []float32, rows, cols int) {
	dx, dy, x = dx[:rows*cols], dy[:rows*cols], x[:rows*cols]
	if y != nil {
		y = y[:rows*cols]
	}
	spans(rows, cols, func(s span) {
		var as, ps, ms, qs [group]float32
		s.spread(&as, a)
		s.spread(&ps, p)
		s.spread(&ms, mean)
		s.spread(&qs, q)
		s.chunks(func(at, n, c int) {
			if y != nil {
				normBackMaskStrip(&dx[at], &dy[at], &x[at], &y[at], &as[c], &ps[c], &ms[c], &qs[c], s.bytes(), n)
			} else {
				normBackStrip(&dx[at], &dy[at], &x[at], &as[c], &ps[c], &ms[c], &qs[c], s.bytes(), n)
			}
		})
		s.rest(func(at, lo, hi int) {
			for j := lo; j < hi; j++ {
				i := at + j - lo
				d := dy[i]
				if y != nil && !(y[i] > 0) {
					d = 0
				}
				dx[i] = as[j]*d + ps[j]*(x[i]-ms[j]) + qs[j]
			}
		})
	})
}
