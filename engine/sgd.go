package engine

import (
	"errors"

	"budwood/engine/kernel"
)

// SGD is stochastic gradient descent with momentum: b₁ = g, b = μ·b + g,
// w −= lr·b; with Nesterov, w −= lr·(g + μ·b). It follows PyTorch.
type SGD struct {
	Momentum    float64 // μ; 0 means none
	Nesterov    bool
	WeightDecay float64 // times w, added to the gradient
}

// String is SGD.
func (SGD) String() string { return "SGD" }

func (o SGD) slots() []string {
	if o.Momentum == 0 {
		return nil
	}
	return []string{"momentum"}
}

func (o SGD) validate() error {
	if err := fraction("SGD: momentum", o.Momentum); err != nil {
		return err
	}
	if o.Nesterov && o.Momentum == 0 {
		return errors.New("SGD: Nesterov needs momentum")
	}
	return nonNegative("SGD: weight decay", o.WeightDecay)
}

func (o SGD) step(s *span) bool {
	k := kernel.SGD{
		Rate: float32(s.lr), Momentum: float32(o.Momentum), Decay: float32(o.WeightDecay * s.decay),
		Nesterov: o.Nesterov,
	}
	var b []float32
	if o.Momentum != 0 {
		b = s.state[0]
	}
	return k.Step(s.w, s.g, b)
}
