package engine

import (
	"budwood/data"
	"budwood/engine/kernel"
)

// MSE is the mean of the squared errors of all outputs.
type MSE struct{}

// String is mean squared error.
func (MSE) String() string { return "mean squared error" }

func (MSE) validate() error { return nil }

func (l MSE) fits(out data.Shape, s *data.Set) error { return fitsTargets(l, out, s) }

func (MSE) gradient(d, y []float32, t targets, rows int) (sum, weight float64) {
	sum = kernel.SquareError(d, y, t.value[:len(y)], 2/float32(len(y)))
	return sum * float64(rows) / float64(len(y)), float64(rows)
}
