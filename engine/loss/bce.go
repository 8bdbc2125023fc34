package loss

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/internal/check"
	"budwood/engine/kernel"
)

// BinaryCrossEntropy is −t·log σ(y) − (1−t)·log(1 − σ(y)) for networks whose
// outputs are logits, the mean over all outputs: of targets in [0, 1], one an
// output, or of two classes for a network with one output.
type BinaryCrossEntropy struct {
	PositiveWeight float64 // times the first term; 0 means 1
}

// String is binary cross-entropy.
func (BinaryCrossEntropy) String() string { return "binary cross-entropy" }

// Validate implements [Loss].
func (l BinaryCrossEntropy) Validate() error {
	return check.NonNegative("binary cross-entropy: positive weight", l.PositiveWeight)
}

// Fits implements [Loss].
func (l BinaryCrossEntropy) Fits(out data.Shape, s *data.Set) error {
	if s.Classes > 0 {
		if s.Classes != 2 || out.Size() != s.Labels() {
			return fmt.Errorf("binary cross-entropy is for 2 classes and one output each, not for %d classes and %d outputs", s.Classes, out.Size())
		}
		return nil
	}
	for i, t := range s.Target {
		if !(t >= 0 && t <= 1) {
			return fmt.Errorf("binary cross-entropy: row %d: target %v is outside [0, 1]", i/s.Outputs, t)
		}
	}
	return fitsTargets(l, out, s)
}

// Gradient implements [Loss].
func (l BinaryCrossEntropy) Gradient(d, y []float32, t Targets, rows int) (sum, weight float64) {
	value := t.Value
	if len(t.Class) == len(y) {
		for i, c := range t.Class {
			d[i] = float32(c)
		}
		value = d
	}
	sum = kernel.Logistic(d, y, value[:len(y)], float32(cmp.Or(l.PositiveWeight, 1)), 1/float32(len(y)))
	return sum * float64(rows) / float64(len(y)), float64(rows)
}

// Weight implements [Loss]: every row counts 1.
func (BinaryCrossEntropy) Weight(_ []int32, rows int) float64 { return float64(rows) }
