package engine

import "budwood/engine/kernel"

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

func (o RMSprop) slots() []string {
	slots := []string{"v"}
	if o.Centered {
		slots = append(slots, "mean")
	}
	if o.Momentum != 0 {
		slots = append(slots, "momentum")
	}
	return slots
}

func (o RMSprop) validate() error {
	if err := fraction("RMSprop: alpha", o.Alpha); err != nil {
		return err
	}
	if err := fraction("RMSprop: momentum", o.Momentum); err != nil {
		return err
	}
	if err := nonNegative("RMSprop: eps", o.Eps); err != nil {
		return err
	}
	return nonNegative("RMSprop: weight decay", o.WeightDecay)
}

func (o RMSprop) step(s *span) bool {
	alpha := or(o.Alpha, 0.99)
	k := kernel.RMSprop{
		Alpha: float32(alpha), Keep: float32(1 - alpha), Rate: float32(s.lr), Momentum: float32(o.Momentum),
		Eps: float32(or(o.Eps, 1e-8)), Decay: float32(o.WeightDecay * s.decay),
	}
	var mean, b []float32
	rest := s.state[1:]
	if o.Centered {
		mean, rest = rest[0], rest[1:]
	}
	if o.Momentum != 0 {
		b = rest[0]
	}
	return k.Step(s.w, s.g, s.state[0], mean, b)
}
