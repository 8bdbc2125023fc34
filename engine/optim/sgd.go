package optim

import (
	"errors"

	"budwood/engine/internal/check"
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

// Slots implements [Optimizer].
func (o SGD) Slots() []string {
	if o.Momentum == 0 {
		return nil
	}
	return []string{"momentum"}
}

// Validate implements [Optimizer].
func (o SGD) Validate() error {
	if err := check.Fraction("SGD: momentum", o.Momentum); err != nil {
		return err
	}
	if o.Nesterov && o.Momentum == 0 {
		return errors.New("SGD: Nesterov needs momentum")
	}
	return check.NonNegative("SGD: weight decay", o.WeightDecay)
}

// Step implements [Optimizer].
func (o SGD) Step(s *Span) bool {
	k := kernel.SGD{
		Rate: float32(s.LR), Momentum: float32(o.Momentum), Decay: float32(o.WeightDecay * s.Decay),
		Nesterov: o.Nesterov,
	}
	var b []float32
	if o.Momentum != 0 {
		b = s.State[0]
	}
	return k.Step(s.W, s.G, b)
}
