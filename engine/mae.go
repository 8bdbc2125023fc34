package engine

import (
	"budwood/data"
	"budwood/engine/kernel"
)

// MAE is the mean of the absolute errors of all outputs.
type MAE struct{}

// String is mean absolute error.
func (MAE) String() string { return "mean absolute error" }

func (MAE) validate() error { return nil }

func (l MAE) fits(out data.Shape, s *data.Set) error { return fitsTargets(l, out, s) }

func (MAE) gradient(d, y []float32, t targets, rows int) (sum, weight float64) {
	sum = kernel.AbsError(d, y, t.value[:len(y)], 1/float32(len(y)))
	return sum * float64(rows) / float64(len(y)), float64(rows)
}
