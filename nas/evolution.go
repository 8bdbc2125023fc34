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
	size, sample := e.Population, e.Sample
	if size <= 0 {
		size = 30
	}
	if sample <= 0 {
		sample = 10
	}
	young := population(req, size, sample)
	return propose(ctx, e.Space, req, func(trial int, r *rand.Rand) (candidate, bool) {
		if trial >= size {
			if parent, ok := e.parent(r, young, sample); ok {
				return e.child(r, parent, req.Space)
			}
		}
		return sampled(r, e.Space, req.Space), false
	})
}

// parent is the best of n individuals drawn with replacement, of those whose
// genome belongs to the space.
func (e Evolution) parent(r *rand.Rand, young []individual, n int) (candidate, bool) {
	var best *individual
	for range n {
		if len(young) == 0 {
			break
		}
		if i := &young[r.IntN(len(young))]; best == nil || i.loss < best.loss {
			best = i
		}
	}
	if best == nil {
		return candidate{}, false
	}
	g, err := FromParams(best.params)
	if err != nil || e.Space.Check(g) != nil {
		return candidate{}, false
	}
	return candidate{g, best.params}, true
}

// child mutates the genome, a hyperparameter, or both, each with the same
// probability; known tells that it kept the genome.
func (e Evolution) child(r *rand.Rand, parent candidate, hyper search.Space) (c candidate, known bool) {
	what := r.IntN(3)
	if hyper.Size() == 1 {
		what = 0
	}
	c = parent
	if what != 1 {
		c.genome = e.Space.mutate(r, parent.genome)
	}
	if what == 0 {
		c.point = kept(r, hyper, parent.point)
	} else {
		c.point = nearby(r, hyper, parent.point)
	}
	return c, what == 1
}
