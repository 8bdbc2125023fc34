package hpo

import (
	"context"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// Evolution is aging evolution over params (regularized evolution; Real et al.
// 2019, Algorithm 1). The first P trials are points of [Sobol]. After that, each
// trial is a mutant of the best of S trials drawn from the population, the
// youngest P trials with a result: trials leave it by age, not by loss.
type Evolution struct {
	Population int // P; 0 means 20
	Sample     int // S; 0 means 6
}

var _ search.Sampler = Evolution{}

// Propose returns mutants.
func (e Evolution) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	size, sample := orDefault(e.Population, 1, 20), orDefault(e.Sample, 1, 6)
	p, c, sobol := read(req), newCube(req.Space), newSobol(req)
	slices.SortFunc(p.ranked, func(a, b ranked) int { return req.Past[b.record].ID - req.Past[a.record].ID })
	young := p.ranked[:min(size, len(p.ranked))]
	return untried(req, func(i int, _ []search.Params, rng *rand.Rand, again bool) search.Params {
		if len(p.ranked) < size {
			if again || req.First+i >= 2*size && len(young) == 0 {
				return req.Space.Sample(rng)
			}
			if req.First+i < size || len(young) == 0 {
				return sobol.point(req.First + i)
			}
		}
		parent := young[rng.IntN(len(young))]
		for range sample - 1 {
			if other := young[rng.IntN(len(young))]; other.loss < parent.loss {
				parent = other
			}
		}
		return c.decode(c.mutant(rng, c.vector(req.Past[parent.record].Params)))
	})
}
