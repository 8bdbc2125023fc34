package loss

import (
	"budwood/data"
	"budwood/engine/kernel"
)

// MAE is the mean of the absolute errors of all outputs.
type MAE struct{}

// String is mean absolute error.
func (MAE) String() string { return "mean absolute error" }

// Validate implements [Loss].
func (MAE) Validate() error { return nil }

// Fits implements [Loss].
func (l MAE) Fits(out data.Shape, s *data.Set) error { return fitsTargets(l, out, s) }

// Gradient implements [Loss].
func (MAE) Gradient(d, y []float32, t Targets, rows int) (sum, weight float64) {
	sum = kernel.AbsError(d, y, t.Value[:len(y)], 1/float32(len(y)))
	return sum * float64(rows) / float64(len(y)), float64(rows)
}

// Weight implements [Loss]: every row counts 1.
func (MAE) Weight(_ []int32, rows int) float64 { return float64(rows) }
