package hpo

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// cholesky is the factor L of a positive definite matrix K = L Lᵀ, and its
// inverse, grown row by row: row i depends on the rows before it alone, so that
// a factor that was grown is, to the bit, the one computed at once. Rows are
// never changed, so factors of the same first rows share them.
type cholesky struct {
	l, inv [][]float64 // row i has i+1 numbers
	jitter float64     // the most that was added to the diagonal, relative to it
}

// A pivot below this share of its diagonal is raised to it.
const leastPivot = 1e-11

// push grows the factor by a row of K: k are its numbers before the diagonal.
// Where rounding leaves no positive pivot, as for a point that repeats another,
// the diagonal gets as much as is missing (jitter).
func (c *cholesky) push(k []float64, diagonal float64) {
	n := len(k)
	room := make([]float64, 2*n+2)
	row, inv := room[:n+1:n+1], room[n+1:]
	for j, v := range k {
		row[j] = (v - floats.Dot(row[:j], c.l[j][:j])) / c.l[j][j]
	}
	pivot := diagonal - floats.Dot(row[:n], row[:n])
	if least := leastPivot * diagonal; !(pivot > least) {
		c.jitter = max(c.jitter, (least-pivot)/diagonal)
		pivot = least
	}
	row[n] = math.Sqrt(pivot)
	for j := range k {
		floats.AddScaled(inv[:j+1], -row[j], c.inv[j])
	}
	inv[n] = 1
	floats.Scale(1/row[n], inv)
	c.l, c.inv = append(c.l, row), append(c.inv, inv)
}

// first is the factor of the first n rows.
func (c *cholesky) first(n int) cholesky {
	return cholesky{l: c.l[:n:n], inv: c.inv[:n:n], jitter: c.jitter}
}

// half writes L⁻¹b into out.
func (c *cholesky) half(b, out []float64) {
	for i, row := range c.inv {
		out[i] = floats.Dot(row, b[:i+1])
	}
}

// other writes L⁻ᵀb into out.
func (c *cholesky) other(b, out []float64) {
	clear(out)
	for i, row := range c.inv {
		floats.AddScaled(out[:i+1], b[i], row)
	}
}

// logDet is log |K|.
func (c *cholesky) logDet() float64 {
	sum := 0.0
	for i, row := range c.l {
		sum += math.Log(row[i])
	}
	return 2 * sum
}

// inverse is K⁻¹, its lower triangle row after row, the diagonal left out, and
// the diagonal.
func (c *cholesky) inverse() (below, diagonal []float64) {
	n := len(c.l)
	below, diagonal = make([]float64, n*(n-1)/2), make([]float64, n)
	for _, row := range c.inv {
		for i, v := range row {
			diagonal[i] += v * v
			if at := i * (i - 1) / 2; i > 0 {
				floats.AddScaled(below[at:at+i], v, row[:i])
			}
		}
	}
	return below, diagonal
}
