package engine

import (
	"math"

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

func (AdaBound) slots() []string { return []string{"m", "v"} }

func (o AdaBound) validate() error {
	for _, x := range []struct {
		name  string
		value float64
	}{{"final learning rate", o.Final}, {"base learning rate", o.Base}, {"gamma", o.Gamma}, {"weight decay", o.WeightDecay}} {
		if err := nonNegative("AdaBound: "+x.name, x.value); err != nil {
			return err
		}
	}
	return moments("AdaBound", o.Beta1, o.Beta2, o.Eps)
}

func (o AdaBound) step(s *span) bool {
	t, beta1, beta2 := float64(s.t), or(o.Beta1, 0.9), or(o.Beta2, 0.999)
	final, gamma := or(o.Final, 0.1)*s.lr/or(o.Base, 0.001), or(o.Gamma, 0.001)
	k := kernel.AdaBound{
		Beta1: float32(beta1), Beta2: float32(beta2), Eps: float32(or(o.Eps, 1e-8)),
		Rate:  float32(s.lr * math.Sqrt(1-math.Pow(beta2, t)) / (1 - math.Pow(beta1, t))),
		Decay: float32(o.WeightDecay * s.decay),
		Low:   float32(final * (1 - 1/(gamma*t+1))), High: float32(final * (1 + 1/(gamma*t))),
	}
	return k.Step(s.w, s.g, s.state[0], s.state[1])
}
