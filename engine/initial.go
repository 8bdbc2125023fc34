package engine

import (
	"math"
	"math/rand/v2"
)

// scaled fills weights from a normal distribution of deviation gain/√fanIn.
func scaled(fanIn int, gain float64) func(*rand.Rand, []float32) {
	return func(r *rand.Rand, w []float32) {
		s := gain / math.Sqrt(float64(fanIn))
		for i := range w {
			w[i] = float32(s * r.NormFloat64())
		}
	}
}

// constant fills with a value.
func constant(v float32) func(*rand.Rand, []float32) {
	return func(_ *rand.Rand, w []float32) {
		for i := range w {
			w[i] = v
		}
	}
}
