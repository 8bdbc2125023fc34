package engine

import (
	"fmt"

	"budwood/engine/kernel"
)

// Loss is what training minimises: [CrossEntropy] or [MSE].
type Loss interface {
	String() string

	// fits tells whether the loss can compare outputs of a shape with a set.
	fits(out Shape, s *Set) error
	// gradient writes the gradient of the mean loss of the rows to d and
	// returns the sum of their losses. d and y may be the same slice.
	gradient(d, y []float32, t targets, rows int) float64
	validate() error
}

// targets are the classes (the same number for each row) or target values of the
// rows of a batch.
type targets struct {
	class []int32
	value []float32
}

// CrossEntropy is −log of the softmax probability of the class, for networks
// whose outputs are logits: of {steps, classes} for a set with a class a step,
// whose loss is the mean over the steps.
type CrossEntropy struct {
	// Smoothing spreads that share of the target evenly over all classes: the
	// target is (1−ε)·onehot + ε/K (Szegedy et al. 2016). 0 ≤ Smoothing < 1.
	Smoothing float64
}

// String is cross-entropy.
func (CrossEntropy) String() string { return "cross-entropy" }

func (l CrossEntropy) validate() error {
	if !(l.Smoothing >= 0 && l.Smoothing < 1) {
		return fmt.Errorf("cross-entropy: smoothing %v is outside [0, 1)", l.Smoothing)
	}
	return nil
}

func (CrossEntropy) fits(out Shape, s *Set) error {
	if s.Classes == 0 {
		return fmt.Errorf("cross-entropy needs classes, the data set has %d targets a row", s.Outputs)
	}
	k := s.labels()
	if k > 1 && (len(out) != 2 || out[0] != k) {
		return fmt.Errorf("the network's output %v is not one row of logits for each of the %d classes of a sample", out, k)
	}
	if out.Size()/k < s.Classes {
		return fmt.Errorf("the network has %d outputs for %d classes", out.Size()/k, s.Classes)
	}
	return nil
}

func (l CrossEntropy) gradient(d, y []float32, t targets, rows int) float64 {
	n := len(t.class) // rows, or rows × steps
	return kernel.CrossEntropy(d, y, t.class, n, len(y)/n, float32(l.Smoothing), 1/float32(n)) * float64(rows) / float64(n)
}

// MSE is the mean of the squared errors of all outputs.
type MSE struct{}

// String is mean squared error.
func (MSE) String() string { return "mean squared error" }

func (MSE) validate() error { return nil }

func (MSE) fits(out Shape, s *Set) error {
	if s.Outputs == 0 {
		return fmt.Errorf("mean squared error needs targets, the data set has %d classes", s.Classes)
	}
	if out.Size() != s.Outputs {
		return fmt.Errorf("the network has %d outputs for %d targets a row", out.Size(), s.Outputs)
	}
	return nil
}

func (MSE) gradient(d, y []float32, t targets, rows int) float64 {
	return kernel.SquareError(d, y, t.value[:len(y)], 2/float32(len(y))) * float64(rows) / float64(len(y))
}
