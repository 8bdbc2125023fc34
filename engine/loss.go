package engine

import (
	"fmt"

	"budwood/data"
)

// Loss is what training minimises: [CrossEntropy], [BinaryCrossEntropy],
// [Distillation], [MSE], [MAE] or [Huber].
type Loss interface {
	String() string

	// fits tells whether the loss can compare outputs of a shape with a set.
	fits(out data.Shape, s *data.Set) error
	// gradient writes the gradient of the mean loss of the rows to d and returns
	// the sum of their losses and its divisor, both for the whole batch. d and y
	// do not overlap.
	gradient(d, y []float32, t targets, rows int) (sum, weight float64)
	validate() error
}

// targets are the classes (the same number for each row), target values and
// teacher's logits of the rows of a batch, as far as the set has them.
type targets struct {
	class []int32
	value []float32
	soft  []float32

	partner []int32   // mixup: the classes that are mixed in; nil for none
	keep    []float32 // mixup: for each row, the share of its own classes
}

// fitsTargets tells whether a set has a target for each output.
func fitsTargets(l Loss, out data.Shape, s *data.Set) error {
	if s.Outputs == 0 {
		return fmt.Errorf("%v needs targets, the data set has %d classes", l, s.Classes)
	}
	if out.Size() != s.Outputs {
		return fmt.Errorf("the network has %d outputs for %d targets a row", out.Size(), s.Outputs)
	}
	return nil
}
