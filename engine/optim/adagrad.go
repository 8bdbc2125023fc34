package optim

import (
	"cmp"

	"budwood/engine/internal/check"
	"budwood/engine/kernel"
)

// AdaGrad (Duchi et al. 2011) steps along g/(√s + ε), where s is the sum of all
// g² so far, with the learning rate lr/(1 + (t−1)·Decay). It follows PyTorch.
type AdaGrad struct {
	Decay       float64 // of the learning rate; 0 means none
	Eps         float64 // ε; 0 means 1e-10
	WeightDecay float64 // times w, added to the gradient
}

// String is AdaGrad.
func (AdaGrad) String() string { return "AdaGrad" }

// Slots implements [Optimizer].
func (AdaGrad) Slots() []string { return []string{"sum"} }

// Validate implements [Optimizer].
func (o AdaGrad) Validate() error {
	if err := check.NonNegative("AdaGrad: decay", o.Decay); err != nil {
		return err
	}
	if err := check.NonNegative("AdaGrad: eps", o.Eps); err != nil {
		return err
	}
	return check.NonNegative("AdaGrad: weight decay", o.WeightDecay)
}

// Step implements [Optimizer].
func (o AdaGrad) Step(s *Span) bool {
	k := kernel.AdaGrad{
		Rate: float32(s.LR / (1 + float64(s.T-1)*o.Decay)),
		Eps:  float32(cmp.Or(o.Eps, 1e-10)), Decay: float32(o.WeightDecay * s.Decay),
	}
	return k.Step(s.W, s.G, s.State[0])
}
