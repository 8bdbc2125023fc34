package engine

import "budwood/engine/kernel"

// AdaGrad (Duchi et al. 2011) steps along g/(√s + ε), where s is the sum of all
// g² so far, with the learning rate lr/(1 + (t−1)·Decay). It follows PyTorch.
type AdaGrad struct {
	Decay       float64 // of the learning rate; 0 means none
	Eps         float64 // ε; 0 means 1e-10
	WeightDecay float64 // times w, added to the gradient
}

// String is AdaGrad.
func (AdaGrad) String() string { return "AdaGrad" }

func (AdaGrad) slots() []string { return []string{"sum"} }

func (o AdaGrad) validate() error {
	if err := nonNegative("AdaGrad: decay", o.Decay); err != nil {
		return err
	}
	if err := nonNegative("AdaGrad: eps", o.Eps); err != nil {
		return err
	}
	return nonNegative("AdaGrad: weight decay", o.WeightDecay)
}

func (o AdaGrad) step(s *span) bool {
	k := kernel.AdaGrad{
		Rate: float32(s.lr / (1 + float64(s.t-1)*o.Decay)),
		Eps:  float32(or(o.Eps, 1e-10)), Decay: float32(o.WeightDecay * s.decay),
	}
	return k.Step(s.w, s.g, s.state[0])
}
