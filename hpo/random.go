package hpo

import (
	"context"
	"math/rand/v2"

	"budwood/search"
)

// Random draws every point from the prior, independently of the results
// (Bergstra & Bengio 2012). Points of a finite space are not repeated.
type Random struct{}

var _ search.Sampler = Random{}

// Propose returns points that were not tried.
func (Random) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	return untried(req, func(_ int, _ []search.Params, rng *rand.Rand, _ bool) search.Params { return req.Space.Sample(rng) })
}
