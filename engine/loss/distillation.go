package loss

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/internal/check"
	"budwood/engine/kernel"
)

// Distillation trains a student on the classes and on a teacher's logits, which
// the set holds in Soft (Hinton et al. 2015): α·T²·KL(teacher ‖ student), both
// softened by the temperature T, plus (1−α) times the cross-entropy. Without
// Soft, as in a validation set, it is the cross-entropy alone.
type Distillation struct {
	Temperature float64 // T; 0 means 2
	Alpha       float64 // 0 means 0.5; 1 leaves the teacher alone
	Classes     CrossEntropy
}

// String is distillation.
func (Distillation) String() string { return "distillation" }

// Validate implements [Loss].
func (l Distillation) Validate() error {
	if err := check.NonNegative("distillation: temperature", l.Temperature); err != nil {
		return err
	}
	if !(l.Alpha >= 0 && l.Alpha <= 1) {
		return fmt.Errorf("distillation: alpha %v is outside [0, 1]", l.Alpha)
	}
	if l.Classes.Weights != nil {
		return fmt.Errorf("distillation: does not weigh classes")
	}
	return l.Classes.Validate()
}

// Fits implements [Loss].
func (l Distillation) Fits(out data.Shape, s *data.Set) error {
	if err := l.Classes.Fits(out, s); err != nil {
		return fmt.Errorf("distillation: %w", err)
	}
	if s.Soft != nil && len(s.Soft) != s.Len()*out.Size() {
		return fmt.Errorf("distillation: the data set has %d logits of a teacher, not %d a row", len(s.Soft), out.Size())
	}
	return nil
}

// Gradient implements [Loss].
func (l Distillation) Gradient(d, y []float32, t Targets, rows int) (sum, weight float64) {
	sum, weight = l.Classes.Gradient(d, y, t, rows)
	if t.Soft == nil {
		return sum, weight
	}
	n, alpha := len(t.Class), cmp.Or(l.Alpha, 0.5)
	kernel.Scale(d, float32(1-alpha))
	kl := kernel.Distill(d, y, t.Soft, n, len(y)/n, float32(cmp.Or(l.Temperature, 2)), float32(alpha/float64(n)))
	return (1-alpha)*sum + alpha*kl*float64(rows)/float64(n), weight
}

// Weight implements [Loss]: every row counts 1.
func (Distillation) Weight(_ []int32, rows int) float64 { return float64(rows) }
