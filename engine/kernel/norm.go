package kernel

// ColSum writes the sum of each column of x (rows×cols) to dst.
func ColSum(dst, x []float32, rows, cols int) {
	dst, x = dst[:cols], x[:rows*cols]
	spans(rows, cols, func(s span) {
		var sum [group]float64
		s.chunks(func(at, n, column int) {
			const wide = 4 // strips at once: one sum waits for itself
			var part [wide * lanes]float32
			strip := column / width()
			if strip/wide*wide+wide > s.strips {
				colSumStrip(&x[at], &part[0], s.bytes(), n)
				s.gather(sum[:], column, (*[lanes]float32)(part[:]))
			} else if strip%wide == 0 {
				colSumStrips(&x[at], &part[0], s.bytes(), n)
				for i := range wide {
					s.gather(sum[:], column+i*width(), (*[lanes]float32)(part[i*width():]))
				}
			}
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

// Moments gathers the mean and the variance of the columns of matrices, whose
// rows come in pieces. Sums run relative to the first row, so that a large mean
// costs no precision.
type Moments struct {
	shift       []float32
	sum, square []float64
	rows        int
}

// NewMoments makes empty moments.
func NewMoments(cols int) *Moments {
	return &Moments{make([]float32, cols), make([]float64, cols), make([]float64, cols), 0}
}

// Reset forgets all rows.
func (m *Moments) Reset() {
	m.rows = 0
	clear(m.sum)
	clear(m.square)
}

// Add adds the rows of x, at least one.
func (m *Moments) Add(x []float32, rows int) {
	cols := len(m.shift)
	x = x[:rows*cols]
	if m.rows == 0 {
		copy(m.shift, x)
	}
	m.rows += rows
	spans(rows, cols, func(s span) {
		var shift [group]float32
		s.spread(&shift, m.shift)
		sum, square := m.sum[s.first:], m.square[s.first:]
		s.chunks(func(at, n, column int) {
			var a, b [lanes]float32
			momentsStrip(&x[at], &shift[column], &a[0], &b[0], s.bytes(), n)
			s.gather(sum, column, &a)
			s.gather(square, column, &b)
		})
		s.rest(func(at, lo, hi int) {
			for j := lo; j < hi; j++ {
				d := float64(x[at+j-lo] - shift[j])
				sum[j] += d
				square[j] += d * d
			}
		})
	})
}

// Result writes the mean and the biased variance of each column.
func (m *Moments) Result(mean, variance []float32) {
	n := float64(m.rows)
	for j, shift := range m.shift {
		d := m.sum[j] / n
		mean[j] = float32(float64(shift) + d)
		variance[j] = float32(max(m.square[j]/n-d*d, 0))
	}
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
				v := as[j]*x[at+j-lo] + bs[j]
				if relu && v < 0 {
					v = 0
				}
				y[at+j-lo] = v
			}
		})
	})
}

// CenteredSums adds, for each column, dy to sum and dy·(x − mean) to dot over the
// rows. If b is not nil, dy counts only where a·x + b > 0.
func CenteredSums(sum, dot []float64, dy, x, mean, a, b []float32, rows, cols int) {
	sum, dot, dy, x = sum[:cols], dot[:cols], dy[:rows*cols], x[:rows*cols]
	spans(rows, cols, func(s span) {
		var ms, as, bs [group]float32
		s.spread(&ms, mean)
		if b != nil {
			s.spread(&as, a)
			s.spread(&bs, b)
		}
		sum, dot := sum[s.first:], dot[s.first:]
		s.chunks(func(at, n, c int) {
			var u, v [lanes]float32
			if b != nil {
				centeredMaskStrip(&dy[at], &x[at], &ms[c], &u[0], &v[0], &as[c], &bs[c], s.bytes(), n)
			} else {
				centeredStrip(&dy[at], &x[at], &ms[c], &u[0], &v[0], s.bytes(), n)
			}
			s.gather(sum, c, &u)
			s.gather(dot, c, &v)
		})
		s.rest(func(at, lo, hi int) {
			for j := lo; j < hi; j++ {
				i := at + j - lo
				if b == nil || as[j]*x[i]+bs[j] > 0 {
					sum[j] += float64(dy[i])
					dot[j] += float64(dy[i] * (x[i] - ms[j]))
				}
			}
		})
	})
}

// NormBack writes dx = a·dy + p·(x − mean) + q for each column. If b is not nil,
// dy counts only where a·x + b > 0. dx and dy may be the same slice.
func NormBack(dx, dy, x, a, p, mean, q, b []float32, rows, cols int) {
	dx, dy, x = dx[:rows*cols], dy[:rows*cols], x[:rows*cols]
	spans(rows, cols, func(s span) {
		var as, ps, ms, qs, bs [group]float32
		s.spread(&as, a)
		s.spread(&ps, p)
		s.spread(&ms, mean)
		s.spread(&qs, q)
		if b != nil {
			s.spread(&bs, b)
		}
		s.chunks(func(at, n, c int) {
			if b != nil {
				normBackMaskStrip(&dx[at], &dy[at], &x[at], &as[c], &ps[c], &ms[c], &qs[c], &bs[c], s.bytes(), n)
			} else {
				normBackStrip(&dx[at], &dy[at], &x[at], &as[c], &ps[c], &ms[c], &qs[c], s.bytes(), n)
			}
		})
		s.rest(func(at, lo, hi int) {
			for j := lo; j < hi; j++ {
				i := at + j - lo
				d := dy[i]
				if b != nil && !(as[j]*x[i]+bs[j] > 0) {
					d = 0
				}
				dx[i] = as[j]*d + ps[j]*(x[i]-ms[j]) + qs[j]
			}
		})
	})
}
