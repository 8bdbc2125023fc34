package engine

import (
	"fmt"
	"math"

	"budwood/engine/kernel"
)

// Optimizer turns gradients into steps: [SGD], [Adam] or [AdamW]. The learning
// rate comes from the [Schedule].
type Optimizer interface {
	String() string

	slots() []string // names of the state: vectors as long as the parameters
	// step is step number t, from 1. It reports whether the weights are finite.
	step(w, g []float32, state [][]float32, lr float64, t int) bool
	validate() error
}

// SGD is stochastic gradient descent with momentum: b₁ = g, b = μ·b + g,
// w −= lr·b; with Nesterov, w −= lr·(g + μ·b). It follows PyTorch.
type SGD struct {
	Momentum    float64 // μ; 0 means none
	Nesterov    bool
	WeightDecay float64 // times w, added to the gradient
}

// Adam (Kingma & Ba 2015) steps along m̂/(√v̂ + ε), where m and v are moving
// averages of the gradient and its square, corrected for their start at 0.
type Adam struct {
	Beta1       float64 // of m; 0 means 0.9
	Beta2       float64 // of v; 0 means 0.999
	Eps         float64 // ε; 0 means 1e-8
	WeightDecay float64 // times w, added to the gradient
}

// AdamW is Adam with decoupled weight decay (Loshchilov & Hutter 2019): first
// w −= lr·WeightDecay·w, the gradient stays as it is.
type AdamW struct {
	Beta1       float64 // 0 means 0.9
	Beta2       float64 // 0 means 0.999
	Eps         float64 // 0 means 1e-8
	WeightDecay float64 // 0 means 0.01; below 0 means none
}

// String is SGD.
func (SGD) String() string { return "SGD" }

// String is Adam.
func (Adam) String() string { return "Adam" }

// String is AdamW.
func (AdamW) String() string { return "AdamW" }

func (o SGD) slots() []string {
	if o.Momentum == 0 {
		return nil
	}
	return []string{"momentum"}
}

func (Adam) slots() []string  { return []string{"m", "v"} }
func (AdamW) slots() []string { return []string{"m", "v"} }

func (o SGD) validate() error {
	if !(o.Momentum >= 0 && o.Momentum < 1) {
		return fmt.Errorf("SGD: momentum %v is outside [0, 1)", o.Momentum)
	}
	if o.Nesterov && o.Momentum == 0 {
		return fmt.Errorf("SGD: Nesterov needs momentum")
	}
	return nonNegative("SGD: weight decay", o.WeightDecay)
}

func (o SGD) step(w, g []float32, state [][]float32, lr float64, _ int) bool {
	k := kernel.SGD{
		Rate: float32(lr), Momentum: float32(o.Momentum), Decay: float32(o.WeightDecay),
		Nesterov: o.Nesterov,
	}
	var b []float32
	if len(state) > 0 {
		b = state[0]
	}
	return k.Step(w, g, b)
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

func (o Adam) step(w, g []float32, state [][]float32, lr float64, t int) bool {
	k := adam(o.Beta1, o.Beta2, o.Eps, lr, t)
	k.Decay, k.Shrink = float32(o.WeightDecay), 1
	return k.Step(w, g, state[0], state[1])
}

func (o AdamW) step(w, g []float32, state [][]float32, lr float64, t int) bool {
	k := adam(o.Beta1, o.Beta2, o.Eps, lr, t)
	decay := o.WeightDecay
	if decay == 0 {
		decay = 0.01
	}
	k.Shrink = float32(1 - lr*max(decay, 0))
	return k.Step(w, g, state[0], state[1])
}

func adam(beta1, beta2, eps, lr float64, t int) kernel.Adam {
	beta1, beta2, eps = or(beta1, 0.9), or(beta2, 0.999), or(eps, 1e-8)
	return kernel.Adam{
		Beta1: float32(beta1), Beta2: float32(beta2), Eps: float32(eps),
		Keep1: float32(1 - beta1), Keep2: float32(1 - beta2),
		Rate:    float32(lr / (1 - math.Pow(beta1, float64(t)))),
		Correct: float32(1 / math.Sqrt(1-math.Pow(beta2, float64(t)))),
	}
}

func moments(name string, beta1, beta2, eps float64) error {
	for _, b := range []float64{beta1, beta2} {
		if !(b >= 0 && b < 1) {
			return fmt.Errorf("%s: beta %v is outside [0, 1)", name, b)
		}
	}
	return nonNegative(name+": eps", eps)
}

func nonNegative(what string, x float64) error {
	if !(x >= 0) || math.IsInf(x, 0) {
		return fmt.Errorf("%s %v is not a finite number from 0 on", what, x)
	}
	return nil
}

func or(x, otherwise float64) float64 {
	if x == 0 {
		return otherwise
	}
	return x
}
