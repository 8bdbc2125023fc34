package loss

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/kernel"
)

// Imitation trains a regression on its targets and on a teacher's outputs, which the
// set holds in Soft: (1−α) times the loss of values, plus α times the mean squared error
// to the teacher. Without Soft, as in a validation set, it is the loss of values alone.
type Imitation struct {
	Alpha  float64 // 0 means 0.5; 1 leaves the teacher alone
	Values Loss    // nil means MSE
}

// values is the loss against the targets.
func (l Imitation) values() Loss {
	if l.Values == nil {
		return MSE{}
	}
	return l.Values
}

// String is imitation.
func (Imitation) String() string { return "imitation" }

// Validate implements [Loss].
func (l Imitation) Validate() error {
	if !(l.Alpha >= 0 && l.Alpha <= 1) {
		return fmt.Errorf("imitation: alpha %v is outside [0, 1]", l.Alpha)
	}
	switch v := l.values().(type) {
	case MSE, MAE, Huber:
		return v.Validate()
	default:
		return fmt.Errorf("imitation: %v is no loss of values", v)
	}
}

// Fits implements [Loss].
func (l Imitation) Fits(out data.Shape, s *data.Set) error {
	if err := l.values().Fits(out, s); err != nil {
		return fmt.Errorf("imitation: %w", err)
	}
	if s.Soft != nil && len(s.Soft) != s.Len()*out.Size() {
		return fmt.Errorf("imitation: the data set has %d outputs of a teacher, not %d a row", len(s.Soft), out.Size())
	}
	return nil
}

// Gradient implements [Loss].
func (l Imitation) Gradient(d, y []float32, t Targets, rows int) (sum, weight float64) {
	sum, weight = l.values().Gradient(d, y, t, rows)
	if t.Soft == nil {
		return sum, weight
	}
	alpha := cmp.Or(l.Alpha, 0.5)
	kernel.Scale(d, float32(1-alpha))
	square := 0.
	for i, v := range y { // a few values a row
		e := v - t.Soft[i]
		square += float64(e) * float64(e)
		d[i] += float32(alpha) * 2 / float32(len(y)) * e
	}
	return (1-alpha)*sum + alpha*square*float64(rows)/float64(len(y)), weight
}

// Weight implements [Loss]: every row counts 1.
func (Imitation) Weight(_ []int32, rows int) float64 { return float64(rows) }
