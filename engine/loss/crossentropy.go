package loss

import (
	"fmt"

	"budwood/data"
	"budwood/engine/internal/check"
	"budwood/engine/kernel"
)

// CrossEntropy is −log of the softmax probability of the class, for networks
// whose outputs are logits: of {steps, classes} for a set with a class a step,
// whose loss is the mean over the steps.
type CrossEntropy struct {
	// Smoothing spreads that share of the target evenly over all classes: the
	// target is (1−ε)·onehot + ε/K (Szegedy et al. 2016). 0 ≤ Smoothing < 1.
	Smoothing float64
	// Weights weigh each class; nil means evenly. The mean is that of PyTorch:
	// the sum of the weighted losses, over the sum of the weights of the rows'
	// classes.
	Weights []float32
}

// String is cross-entropy.
func (CrossEntropy) String() string { return "cross-entropy" }

// Validate implements [Loss].
func (l CrossEntropy) Validate() error {
	var sum float32
	for i, w := range l.Weights {
		if err := check.NonNegative(fmt.Sprintf("cross-entropy: weight of class %d", i), float64(w)); err != nil {
			return err
		}
		sum += w
	}
	if l.Weights != nil && sum == 0 {
		return fmt.Errorf("cross-entropy: no class has a weight above 0")
	}
	return check.Fraction("cross-entropy: smoothing", l.Smoothing)
}

// Fits implements [Loss].
func (l CrossEntropy) Fits(out data.Shape, s *data.Set) error {
	if s.Classes == 0 {
		return fmt.Errorf("cross-entropy needs classes, the data set has %d targets a row", s.Outputs)
	}
	k := s.Labels()
	if k > 1 && (len(out) != 2 || out[0] != k) {
		return fmt.Errorf("the network's output %v is not one row of logits for each of the %d classes of a sample", out, k)
	}
	if out.Size()/k < s.Classes {
		return fmt.Errorf("the network has %d outputs for %d classes", out.Size()/k, s.Classes)
	}
	if l.Weights != nil && len(l.Weights) != out.Size()/k {
		return fmt.Errorf("cross-entropy has %d weights for %d classes", len(l.Weights), out.Size()/k)
	}
	return nil
}

// Gradient implements [Loss].
func (l CrossEntropy) Gradient(d, y []float32, t Targets, rows int) (sum, weight float64) {
	n := len(t.Class) // rows, or rows × steps
	share := float64(rows) / float64(n)
	if l.Weights == nil {
		sum = kernel.CrossEntropy(d, y, t.Class, n, len(y)/n, float32(l.Smoothing), 1/float32(n))
		return sum * share, float64(rows)
	}
	weight = l.total(t.Class)
	if weight == 0 { // nothing here counts
		clear(d)
		return 0, 0
	}
	sum = kernel.WeightedCrossEntropy(d, y, t.Class, l.Weights, n, len(y)/n, float32(l.Smoothing), float32(1/weight))
	return sum * share, weight * share
}

// Weight implements [Loss].
func (l CrossEntropy) Weight(class []int32, rows int) float64 {
	if l.Weights == nil || rows == 0 {
		return float64(rows)
	}
	return l.total(class) * (float64(rows) / float64(len(class)))
}

// total is the sum of the weights of classes.
func (l CrossEntropy) total(class []int32) (weight float64) {
	for _, c := range class {
		weight += float64(l.Weights[c])
	}
	return weight
}
