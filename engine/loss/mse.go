package loss

import (
	"budwood/data"
	"budwood/engine/kernel"
)

// MSE is the mean of the squared errors of all outputs.
type MSE struct{}

// String is mean squared error.
func (MSE) String() string { return "mean squared error" }

// Validate implements [Loss].
func (MSE) Validate() error { return nil }

// Fits implements [Loss].
func (l MSE) Fits(out data.Shape, s *data.Set) error { return fitsTargets(l, out, s) }

// Gradient implements [Loss].
func (MSE) Gradient(d, y []float32, t Targets, rows int) (sum, weight float64) {
	sum = kernel.SquareError(d, y, t.Value[:len(y)], 2/float32(len(y)))
	return sum * float64(rows) / float64(len(y)), float64(rows)
}

// Weight implements [Loss]: every row counts 1.
func (MSE) Weight(_ []int32, rows int) float64 { return float64(rows) }
