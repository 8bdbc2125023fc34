package engine

import (
	"fmt"
	"math"

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
	WeightDecay float64 // 0 means 0.01; below 0 means none
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

func (o Adam) slots() []string  { return momentSlots(o.AMSGrad) }
func (o AdamW) slots() []string { return momentSlots(o.AMSGrad) }

func momentSlots(amsgrad bool) []string {
	if amsgrad {
		return []string{"m", "v", "vmax"}
	}
	return []string{"m", "v"}
}

func (o Adam) validate() error {
	if err := nonNegative("Adam: weight decay", o.WeightDecay); err != nil {
		return err
	}
	return moments("Adam", o.Beta1, o.Beta2, o.Eps)
}

func (o AdamW) validate() error {
	if math.IsNaN(o.WeightDecay) || math.IsInf(o.WeightDecay, 0) {
		return fmt.Errorf("AdamW: weight decay %v is not a finite number", o.WeightDecay)
	}
	return moments("AdamW", o.Beta1, o.Beta2, o.Eps)
}

func (o Adam) step(s *span) bool {
	k := adam(o.Beta1, o.Beta2, o.Eps, s)
	k.Decay, k.Shrink = float32(o.WeightDecay*s.decay), 1
	return adamStep(&k, s, o.AMSGrad)
}

func (o AdamW) step(s *span) bool {
	k := adam(o.Beta1, o.Beta2, o.Eps, s)
	k.Shrink = float32(1 - s.lr*max(or(o.WeightDecay, 0.01), 0)*s.decay)
	return adamStep(&k, s, o.AMSGrad)
}

func adamStep(k *kernel.Adam, s *span, amsgrad bool) bool {
	if amsgrad {
		return k.StepMax(s.w, s.g, s.state[0], s.state[1], s.state[2])
	}
	return k.Step(s.w, s.g, s.state[0], s.state[1])
}

func adam(beta1, beta2, eps float64, s *span) kernel.Adam {
	beta1, beta2, eps = or(beta1, 0.9), or(beta2, 0.999), or(eps, 1e-8)
	return kernel.Adam{
		Beta1: float32(beta1), Beta2: float32(beta2), Eps: float32(eps),
		Keep1: float32(1 - beta1), Keep2: float32(1 - beta2),
		Rate:    float32(s.lr / (1 - math.Pow(beta1, float64(s.t)))),
		Correct: float32(1 / math.Sqrt(1-math.Pow(beta2, float64(s.t)))),
	}
}

func moments(name string, beta1, beta2, eps float64) error {
	for _, b := range []float64{beta1, beta2} {
		if err := fraction(name+": beta", b); err != nil {
			return err
		}
	}
	return nonNegative(name+": eps", eps)
}
