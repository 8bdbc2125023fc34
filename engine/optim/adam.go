package optim

import (
	"cmp"
	"fmt"
	"math"

	"budwood/engine/internal/check"
	"budwood/engine/kernel"
)

// Adam (Kingma & Ba 2015) steps along m̂/(√v̂ + ε), where m and v are moving
// averages of the gradient and its square, corrected for their start at 0.
type Adam struct {
	Beta1       float64 // of m; 0 means 0.9
	Beta2       float64 // of v; 0 means 0.999
	Eps         float64 // ε; 0 means 1e-8
	WeightDecay float64 // times w, added to the gradient
	AMSGrad     bool    // the largest v so far instead of v (Reddi et al. 2018)
}

// AdamW is Adam with decoupled weight decay (Loshchilov & Hutter 2019): first
// w −= lr·WeightDecay·w, the gradient stays as it is.
type AdamW struct {
	Beta1       float64 // 0 means 0.9
	Beta2       float64 // 0 means 0.999
	Eps         float64 // 0 means 1e-8
	WeightDecay float64 // 0 means 0.01
	NoDecay     bool    // no weight decay
	AMSGrad     bool    // the largest v so far instead of v (Reddi et al. 2018)
}

// String is Adam, or AMSGrad.
func (o Adam) String() string {
	if o.AMSGrad {
		return "AMSGrad"
	}
	return "Adam"
}

// String is AdamW, or AMSGradW.
func (o AdamW) String() string {
	if o.AMSGrad {
		return "AMSGradW"
	}
	return "AdamW"
}

// Slots implements [Optimizer].
func (o Adam) Slots() []string { return momentSlots(o.AMSGrad) }

// Slots implements [Optimizer].
func (o AdamW) Slots() []string { return momentSlots(o.AMSGrad) }

func momentSlots(amsgrad bool) []string {
	if amsgrad {
		return []string{"m", "v", "vmax"}
	}
	return []string{"m", "v"}
}

// Validate implements [Optimizer].
func (o Adam) Validate() error {
	if err := check.NonNegative("Adam: weight decay", o.WeightDecay); err != nil {
		return err
	}
	return moments("Adam", o.Beta1, o.Beta2, o.Eps)
}

// Validate implements [Optimizer].
func (o AdamW) Validate() error {
	if o.NoDecay && o.WeightDecay != 0 {
		return fmt.Errorf("AdamW: a weight decay of %v and none", o.WeightDecay)
	}
	if err := check.NonNegative("AdamW: weight decay", o.WeightDecay); err != nil {
		return err
	}
	return moments("AdamW", o.Beta1, o.Beta2, o.Eps)
}

// Step implements [Optimizer].
func (o Adam) Step(s *Span) bool {
	k := adam(o.Beta1, o.Beta2, o.Eps, s)
	k.Decay, k.Shrink = float32(o.WeightDecay*s.Decay), 1
	return adamStep(&k, s, o.AMSGrad)
}

// Step implements [Optimizer].
func (o AdamW) Step(s *Span) bool {
	k := adam(o.Beta1, o.Beta2, o.Eps, s)
	decay := cmp.Or(o.WeightDecay, 0.01)
	if o.NoDecay {
		decay = 0
	}
	k.Shrink = float32(1 - s.LR*decay*s.Decay)
	return adamStep(&k, s, o.AMSGrad)
}

func adamStep(k *kernel.Adam, s *Span, amsgrad bool) bool {
	if amsgrad {
		return k.StepMax(s.W, s.G, s.State[0], s.State[1], s.State[2])
	}
	return k.Step(s.W, s.G, s.State[0], s.State[1])
}

func adam(beta1, beta2, eps float64, s *Span) kernel.Adam {
	beta1, beta2, eps = cmp.Or(beta1, 0.9), cmp.Or(beta2, 0.999), cmp.Or(eps, 1e-8)
	return kernel.Adam{
		Beta1: float32(beta1), Beta2: float32(beta2), Eps: float32(eps),
		Keep1: float32(1 - beta1), Keep2: float32(1 - beta2),
		Rate:    float32(s.LR / (1 - math.Pow(beta1, float64(s.T)))),
		Correct: float32(1 / math.Sqrt(1-math.Pow(beta2, float64(s.T)))),
	}
}

func moments(name string, beta1, beta2, eps float64) error {
	for _, b := range []float64{beta1, beta2} {
		if err := check.Fraction(name+": beta", b); err != nil {
			return err
		}
	}
	return check.NonNegative(name+": eps", eps)
}
