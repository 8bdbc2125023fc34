package engine

import (
	"fmt"
	"math"
)

// Optimizer turns gradients into steps: [SGD], [Adam], [AdamW], [RMSprop],
// [AdaGrad], [AdaBound], or [Lookahead] around one of them. The learning rate
// comes from the [Schedule].
type Optimizer interface {
	String() string

	slots() []string // names of the state: vectors as long as the parameters
	// step takes a step along the gradients of a span. It reports whether the
	// weights are finite.
	step(s *span) bool
	validate() error
}

// span is a stretch of the parameters and what a step of them needs.
type span struct {
	w, g  []float32
	state [][]float32 // one a slot
	lr    float64
	t     int     // number of the step, from 1
	decay float64 // factor of the weight decay
}

func nonNegative(what string, x float64) error {
	if !(x >= 0) || math.IsInf(x, 0) {
		return fmt.Errorf("%s %v is not a finite number from 0 on", what, x)
	}
	return nil
}

// fraction checks a number in [0, 1).
func fraction(what string, x float64) error {
	if !(x >= 0 && x < 1) {
		return fmt.Errorf("%s %v is outside [0, 1)", what, x)
	}
	return nil
}

func or(x, otherwise float64) float64 {
	if x == 0 {
		return otherwise
	}
	return x
}
