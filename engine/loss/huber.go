package loss

import (
	"cmp"

	"budwood/data"
	"budwood/engine/internal/check"
	"budwood/engine/kernel"
)

// Huber is ½e² for errors |e| < Delta, else Delta·(|e| − Delta/2), the mean over
// all outputs (Huber 1964).
type Huber struct {
	Delta float64 // 0 means 1
}

// String is Huber loss.
func (Huber) String() string { return "Huber loss" }

// Validate implements [Loss].
func (l Huber) Validate() error { return check.NonNegative("Huber loss: delta", l.Delta) }

// Fits implements [Loss].
func (l Huber) Fits(out data.Shape, s *data.Set) error { return fitsTargets(l, out, s) }

// Gradient implements [Loss].
func (l Huber) Gradient(d, y []float32, t Targets, rows int) (sum, weight float64) {
	sum = kernel.HuberError(d, y, t.Value[:len(y)], float32(cmp.Or(l.Delta, 1)), 1/float32(len(y)))
	return sum * float64(rows) / float64(len(y)), float64(rows)
}

// Weight implements [Loss]: every row counts 1.
func (Huber) Weight(_ []int32, rows int) float64 { return float64(rows) }
