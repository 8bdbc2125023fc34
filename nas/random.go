package nas

import (
	"context"
	"math/rand/v2"

	"budwood/search"
)

// Random proposes networks and hyperparameters at random, no network twice as
// long as there are others.
type Random struct {
	Space *Space
}

var _ search.Sampler = Random{}

// Propose draws from the prior; see [Space.Sample].
func (s Random) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	return propose(ctx, s.Space, req, func(*memo) drawFunc {
		return func(_, _ int, r *rand.Rand) (candidate, bool) { return sampled(r, s.Space, req.Space), false }
	})
}
