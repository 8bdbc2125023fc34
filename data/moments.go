package data

import "math"

// moments are mean and spread of numbers that come in several batches (Chan,
// Golub and LeVeque 1983: batches are merged without loss of precision). NaN
// does not count.
type moments struct {
	n      int
	avg    float64
	square float64 // sum of squared differences from avg
	lo, hi float64
}

// add takes in the values at some rows.
func (m *moments) add(values []float64, rows []int) {
	var b moments
	for _, i := range rows {
		if x := values[i]; !math.IsNaN(x) {
			if b.n == 0 {
				b.lo, b.hi = x, x
			}
			b.n++
			b.avg += x
			b.lo, b.hi = min(b.lo, x), max(b.hi, x)
		}
	}
	if b.n == 0 {
		return
	}
	b.avg /= float64(b.n)
	for _, i := range rows {
		if x := values[i]; !math.IsNaN(x) {
			b.square += (x - b.avg) * (x - b.avg)
		}
	}
	m.merge(b)
}

func (m *moments) merge(b moments) {
	if m.n == 0 {
		*m = b
		return
	}
	n, d := float64(m.n+b.n), b.avg-m.avg
	m.square += b.square + d*d*float64(m.n)*float64(b.n)/n
	m.avg += d * float64(b.n) / n
	m.n += b.n
	m.lo, m.hi = min(m.lo, b.lo), max(m.hi, b.hi)
}

// mean is 0 if there are no numbers.
func (m *moments) mean() float64 { return m.avg }

// std is the standard deviation of the population; exactly 0 if all numbers are
// the same, whatever rounding makes of their mean.
func (m *moments) std() float64 {
	if m.n == 0 || m.lo == m.hi {
		return 0
	}
	return math.Sqrt(m.square / float64(m.n))
}

// scale is 1/std, and 0 if all numbers are the same.
func (m *moments) scale() float64 {
	if s := m.std(); s > 0 {
		return 1 / s
	}
	return 0
}
