package engine

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

func (l Huber) validate() error { return check.NonNegative("Huber loss: delta", l.Delta) }

func (l Huber) fits(out data.Shape, s *data.Set) error { return fitsTargets(l, out, s) }

func (l Huber) gradient(d, y []float32, t targets, rows int) (sum, weight float64) {
	sum = kernel.HuberError(d, y, t.value[:len(y)], float32(cmp.Or(l.Delta, 1)), 1/float32(len(y)))
	return sum * float64(rows) / float64(len(y)), float64(rows)
}
