package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Clip is x, but Low where x is below and High where it is above. The zero value is
// clipped to 0 … 6 (ReLU6). Either may be infinite.
type Clip struct{ Low, High float64 }

// HardSigmoid is Alpha·x + Beta, clipped to 0 … 1.
type HardSigmoid struct {
	Alpha float64 // 0 means 1/6, and Beta 1/2
	Beta  float64
}

// HardSwish is x·clip(x + 3, 0, 6)/6 (Howard et al. 2019).
type HardSwish struct{}

// Infer gives the input shape.
func (a Clip) Infer(in data.Shape) (data.Shape, error) {
	if lo, hi := a.Bounds(); !(lo < hi) {
		return nil, fmt.Errorf("%v: the lower bound is not below the upper one", a)
	}
	return in, values(a, in)
}

// Infer gives the input shape.
func (a HardSigmoid) Infer(in data.Shape) (data.Shape, error) {
	if alpha, _ := a.Line(); !(alpha > 0) {
		return nil, fmt.Errorf("%v: the slope %v is not above 0", a, a.Alpha)
	}
	return in, values(a, in)
}

// Infer gives the input shape.
func (a HardSwish) Infer(in data.Shape) (data.Shape, error) { return in, values(a, in) }

// Bounds are the numbers that values are clipped to.
func (a Clip) Bounds() (low, high float32) {
	if a == (Clip{}) {
		return 0, 6
	}
	return float32(a.Low), float32(a.High)
}

// Line is the line that values are on between 0 and 1: alpha·x + beta.
func (a HardSigmoid) Line() (alpha, beta float32) {
	if a == (HardSigmoid{}) {
		a.Beta = .5
	}
	return float32(cmp.Or(a.Alpha, 1./6)), float32(a.Beta)
}

// String is Clip(Low, High).
func (a Clip) String() string {
	lo, hi := a.Bounds()
	return fmt.Sprintf("Clip(%g, %g)", lo, hi)
}

// String is HardSigmoid, with slope and offset where they are not the default.
func (a HardSigmoid) String() string {
	if a == (HardSigmoid{}) {
		return "HardSigmoid"
	}
	alpha, beta := a.Line()
	return fmt.Sprintf("HardSigmoid(%g, %g)", alpha, beta)
}

// String is HardSwish.
func (HardSwish) String() string { return "HardSwish" }

func (a Clip) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	lo, hi := a.Bounds()
	return elementwise(b, a, x, plan.NeedValues,
		func(y, x []float32) { kernel.Clip(y, x, lo, hi) },
		func(dx, dy, y []float32) { kernel.ClipBack(dx, dy, y, lo, hi) })
}

func (a HardSigmoid) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	alpha, beta := a.Line()
	return elementwise(b, a, x, plan.NeedValues,
		func(y, x []float32) { kernel.HardSigmoid(y, x, alpha, beta) },
		func(dx, dy, y []float32) { kernel.HardSigmoidBack(dx, dy, y, alpha) })
}

func (a HardSwish) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return elementwise(b, a, x, plan.NeedNothing, kernel.HardSwish, kernel.HardSwishBack)
}
