package nas

import "math"

// cholesky is the factor L of a positive definite matrix L·Lᵀ, grown row by row:
// row i depends on the rows before it alone.
type cholesky [][]float64

// push adds a row of the matrix, up to the diagonal, and keeps it.
func (l *cholesky) push(row []float64) {
	n := len(row) - 1
	for j, other := range *l {
		row[j] = (row[j] - dot(row[:j], other[:j])) / other[j]
	}
	row[n] = math.Sqrt(max(row[n]-dot(row[:n], row[:n]), 1e-12))
	*l = append(*l, row)
}

// solve solves L·Lᵀ·X = B for several columns at once; B becomes X.
func (l cholesky) solve(b []draws) {
	for i, row := range l {
		at := b[i]
		for k, v := range row[:i] {
			at.add(-v, &b[k])
		}
		b[i].set(1/row[i], &at)
	}
	for i := len(l) - 1; i >= 0; i-- {
		row := l[i]
		at := b[i]
		at.set(1/row[i], &at)
		for k, v := range row[:i] {
			b[k].add(-v, &at)
		}
		b[i] = at
	}
}

// dot is a·b of equal lengths; the four sums do not wait for each other.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y := a[i:i+4:i+4], b[i:i+4:i+4]
		s0 += x[0] * y[0]
		s1 += x[1] * y[1]
		s2 += x[2] * y[2]
		s3 += x[3] * y[3]
	}
	for ; i < len(a); i++ {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + (s2 + s3)
}
