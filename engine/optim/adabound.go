package optim

import (
	"cmp"
	"math"

	"budwood/engine/internal/check"
	"budwood/engine/kernel"
)

// AdaBound (Luo et al. 2019) is Adam whose rate for each weight is limited to a
// range that closes in on Final: it begins as Adam and ends as SGD. With
// f = Final·lr/Base, the range in step t is f·(1 − 1/(γt + 1)) to f·(1 + 1/(γt)).
type AdaBound struct {
	Beta1       float64 // 0 means 0.9
	Beta2       float64 // 0 means 0.999
	Eps         float64 // 0 means 1e-8
	Final       float64 // learning rate at the end, while the schedule's is Base; 0 means 0.1
	Base        float64 // 0 means 0.001
	Gamma       float64 // γ: how fast the range closes; 0 means 0.001
	WeightDecay float64 // times w, added to the gradient
}

// String is AdaBound.
func (AdaBound) String() string { return "AdaBound" }

// Slots implements [Optimizer].
func (AdaBound) Slots() []string { return []string{"m", "v"} }

// Validate implements [Optimizer].
func (o AdaBound) Validate() error {
	for _, x := range []struct {
		name  string
		value float64
	}{{"final learning rate", o.Final}, {"base learning rate", o.Base}, {"gamma", o.Gamma}, {"weight decay", o.WeightDecay}} {
		if err := check.NonNegative("AdaBound: "+x.name, x.value); err != nil {
			return err
		}
	}
	return moments("AdaBound", o.Beta1, o.Beta2, o.Eps)
}

// Step implements [Optimizer].
func (o AdaBound) Step(s *Span) bool {
	t, beta1, beta2 := float64(s.T), cmp.Or(o.Beta1, 0.9), cmp.Or(o.Beta2, 0.999)
	final, gamma := cmp.Or(o.Final, 0.1)*s.LR/cmp.Or(o.Base, 0.001), cmp.Or(o.Gamma, 0.001)
	k := kernel.AdaBound{
		Beta1: float32(beta1), Beta2: float32(beta2), Eps: float32(cmp.Or(o.Eps, 1e-8)),
		Rate:  float32(s.LR * math.Sqrt(1-math.Pow(beta2, t)) / (1 - math.Pow(beta1, t))),
		Decay: float32(o.WeightDecay * s.Decay),
		Low:   float32(final * (1 - 1/(gamma*t+1))), High: float32(final * (1 + 1/(gamma*t))),
	}
	return k.Step(s.W, s.G, s.State[0], s.State[1])
}
