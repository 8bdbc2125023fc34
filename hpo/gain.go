package hpo

import (
	"math"
	"math/rand/v2"

	"budwood/search"
)

// ExpectedGain estimates what is left to find: the largest expected improvement
// of the first objective over the best trial so far, in the units of the
// objective, that a point of the space promises. A study may end when it is less
// than a gain is worth (Makarova et al. 2022; Ishibashi et al. 2023).
//
// The model is a random forest, as in SMAC (Hutter, Hoos & Leyton-Brown 2011), the
// points are random ones and neighbours of the best. Trials that were stopped
// count with the loss that they would probably have reached. Ok is false while
// there are too few trials with a loss to say anything: fewer than 20, or than
// twice the number of parameters.
func ExpectedGain(req search.Request) (gain float64, ok bool) {
	if len(req.Objectives) == 0 {
		return 0, false
	}
	s := newSample(req.Space, req.Past, req.Objectives[0])
	n := len(s.loss) - s.broken
	if n < max(20, 2*len(s.c.dims)) {
		return 0, false
	}
	numeric := s.numeric()
	f := s.grow(numeric, 32, 2)
	rng := search.Rand(req.Seed, 0)
	x := make([]float64, len(s.c.dims))
	for i := range 1500 {
		if i < 500 {
			s.c.encode(req.Space.Sample(rng), x)
		} else {
			s.neighbour(s.x[i%min(10, n)], rng, x)
		}
		mean, variance := f.predict(numeric(x))
		gain = max(gain, improvement(s.loss[0], mean, math.Sqrt(variance)))
	}
	return gain, true
}

// neighbour writes a point near another one into x: about half of the parameters
// are changed, those that it does not have are drawn anew.
func (s sample) neighbour(of []float64, rng *rand.Rand, x []float64) {
	s.c.fill(x, func(k int) float64 {
		d := s.c.dims[k]
		choice := d.Kind == search.KindChoice && !d.Ordered
		switch u := of[k]; {
		case u != u, choice && rng.Float64() < .2:
			return snap(d, rng.Float64())
		case choice || rng.Float64() < .5:
			return u
		default:
			return snap(d, truncated(rng, u, .1))
		}
	})
}

// improvement is the expectation of max(best − Y, 0) for a normal Y (Jones,
// Schonlau & Welch 1998, Equation 15).
func improvement(best, mean, sd float64) float64 {
	if !(sd > 0) {
		return max(best-mean, 0)
	}
	z := (best - mean) / sd
	return sd * (z*cdf(z) + math.Exp(-z*z/2)/math.Sqrt(2*math.Pi))
}
