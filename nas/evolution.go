package nas

import (
	"context"
	"math/rand/v2"

	"budwood/search"
)

// Evolution is aging evolution (regularized evolution; Real et al. 2019,
// Algorithm 1). The first P trials are random. After that, each trial is a
// child of the best of S trials drawn from the population, the youngest P
// usable trials: trials leave it by age, not by loss. The child takes one
// decision of the parent's network anew, or moves one hyperparameter, or both;
// networks that were tried before, equal by their canonical hash, are avoided.
//
// The losses are those of the first objective, at the largest budget at which
// at least S trials can be compared.
type Evolution struct {
	Space      *Space
	Population int // P; 0 means 30
	Sample     int // S; 0 means 10
}

var _ search.Sampler = Evolution{}

// Propose evolves the past.
func (e Evolution) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	size, sample := positive(e.Population, 30), positive(e.Sample, 10)
	young := individuals(mainObjective(req), size, sample)
	return propose(ctx, e.Space, req, func(trial, _ int, r *rand.Rand) (candidate, bool) {
		if trial >= size {
			if parent, ok := e.parent(r, young, sample); ok {
				return e.Space.child(r, parent, req.Space)
			}
		}
		return sampled(r, e.Space, req.Space), false
	})
}

// parent is the best of n individuals drawn with replacement, of those whose
// genome belongs to the space.
func (e Evolution) parent(r *rand.Rand, young []individual, n int) (candidate, bool) {
	var best candidate
	loss, found := 0., false
	for range n {
		if len(young) == 0 {
			break
		}
		i := young[r.IntN(len(young))]
		if found && i.losses[0] >= loss {
			continue
		}
		if c, ok := e.Space.candidate(i); ok {
			best, loss, found = c, i.losses[0], true
		}
	}
	return best, found
}

func positive(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}
