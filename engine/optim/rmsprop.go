package optim

import (
	"cmp"

	"budwood/engine/internal/check"
	"budwood/engine/kernel"
)

// RMSprop (Hinton 2012, lecture 6e) steps along g/(√v + ε), where v is a moving
// average of g². Centred, v is less the square of the average of g (Graves 2013),
// an estimate of the variance. With momentum, b = μ·b + g/(√v + ε) and w −= lr·b.
// It follows PyTorch.
type RMSprop struct {
	Alpha       float64 // of the averages; 0 means 0.99
	Eps         float64 // ε; 0 means 1e-8
	Momentum    float64 // μ; 0 means none
	Centered    bool
	WeightDecay float64 // times w, added to the gradient
}

// String is RMSprop.
func (RMSprop) String() string { return "RMSprop" }

// Slots implements [Optimizer].
func (o RMSprop) Slots() []string {
	slots := []string{"v"}
	if o.Centered {
		slots = append(slots, "mean")
	}
	if o.Momentum != 0 {
		slots = append(slots, "momentum")
	}
	return slots
}

// Validate implements [Optimizer].
func (o RMSprop) Validate() error {
	if err := check.Fraction("RMSprop: alpha", o.Alpha); err != nil {
		return err
	}
	if err := check.Fraction("RMSprop: momentum", o.Momentum); err != nil {
		return err
	}
	if err := check.NonNegative("RMSprop: eps", o.Eps); err != nil {
		return err
	}
	return check.NonNegative("RMSprop: weight decay", o.WeightDecay)
}

// Step implements [Optimizer].
func (o RMSprop) Step(s *Span) bool {
	alpha := cmp.Or(o.Alpha, 0.99)
	k := kernel.RMSprop{
		Alpha: float32(alpha), Keep: float32(1 - alpha), Rate: float32(s.LR), Momentum: float32(o.Momentum),
		Eps: float32(cmp.Or(o.Eps, 1e-8)), Decay: float32(o.WeightDecay * s.Decay),
	}
	var mean, b []float32
	rest := s.State[1:]
	if o.Centered {
		mean, rest = rest[0], rest[1:]
	}
	if o.Momentum != 0 {
		b = rest[0]
	}
	return k.Step(s.W, s.G, s.State[0], mean, b)
}
