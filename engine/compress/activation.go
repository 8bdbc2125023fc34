package compress

import (
	"math"

	"budwood/engine"
)

// activation is the function of a layer that works value by value.
func activation(l engine.Layer) (func(float32) float32, bool) {
	of := func(f func(x float64) float64) (func(float32) float32, bool) {
		return func(x float32) float32 { return float32(f(float64(x))) }, true
	}
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	switch l := l.(type) {
	case engine.ReLU:
		return of(func(x float64) float64 { return max(x, 0) })
	case engine.LeakyReLU:
		slope := l.Slope
		if slope == 0 {
			slope = 0.01
		}
		return of(func(x float64) float64 { return max(x, slope*x) })
	case engine.GELU:
		return of(func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) })
	case engine.SiLU:
		return of(func(x float64) float64 { return x * sigmoid(x) })
	case engine.Tanh:
		return of(math.Tanh)
	case engine.Sigmoid:
		return of(sigmoid)
	case engine.Clip:
		lo, hi := l.Bounds()
		return of(func(x float64) float64 { return min(max(x, float64(lo)), float64(hi)) })
	case engine.HardSigmoid:
		a, b := l.Line()
		return of(func(x float64) float64 { return min(max(float64(a)*x+float64(b), 0), 1) })
	case engine.HardSwish:
		return of(func(x float64) float64 { return x * min(max(x+3, 0), 6) / 6 })
	}
	return nil, false
}
