package loss

import (
	"fmt"

	"budwood/data"
)

// Loss is what training minimises: [CrossEntropy], [BinaryCrossEntropy],
// [Distillation], [MSE], [MAE], [Huber] or [Imitation].
type Loss interface {
	// String is the loss's name.
	String() string
	// Fits is an error if the loss cannot compare outputs of a shape with a set.
	Fits(out data.Shape, s *data.Set) error
	// Gradient compares the outputs y of some rows, rows × outputs, with their
	// targets. It writes the gradient of the mean loss to d, which is as long as y and
	// does not overlap it, and returns the sum of the losses and its divisor, both for
	// the whole batch.
	Gradient(d, y []float32, t Targets, rows int) (sum, weight float64)
	// Weight is the divisor that Gradient returns for rows of these classes, rows ×
	// classes of a row; of targets, class is empty.
	Weight(class []int32, rows int) float64
	// Validate is an error that says which field is out of its range.
	Validate() error
}

// Targets are what the rows of a batch are compared with, as far as the set has
// it.
type Targets struct {
	Class []int32   // rows × classes of a row
	Value []float32 // rows × outputs
	Soft  []float32 // logits of a teacher, rows × outputs

	Partner []int32   // mixup: the classes that are mixed in, as many as class; nil for none
	Keep    []float32 // mixup: for each row the share of its own classes
}

// fitsTargets is an error if a set has no target for each output.
func fitsTargets(l Loss, out data.Shape, s *data.Set) error {
	if s.Outputs == 0 {
		return fmt.Errorf("%v needs targets, the data set has %d classes", l, s.Classes)
	}
	if out.Size() != s.Outputs {
		return fmt.Errorf("the network has %d outputs for %d targets a row", out.Size(), s.Outputs)
	}
	return nil
}
