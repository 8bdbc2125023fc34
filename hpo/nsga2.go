package hpo

import (
	"context"
	"math/rand/v2"

	"budwood/search"
)

// NSGA2 searches for several objectives at once (NSGA-II; Deb et al. 2002). The
// population is the best P of all trials with results: by front, and on the last
// front that has room by crowding distance. The first P trials are points of
// [Sobol]; then each trial is a mutant of a child of two parents, each the better
// of two drawn from the population. There are no generations, so that trials may
// run in parallel, and the population is smaller than usual: trials are dear.
type NSGA2 struct {
	Population int // P; 0 means 20
}

var _ search.Sampler = NSGA2{}

// Propose evolves the past.
func (s NSGA2) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	size := orDefault(s.Population, 2, 20)
	all, c, sobol := readSeveral(req), newCube(req.Space), newSobol(req)
	population := elite(all.losses, size) // the best first
	parent := func(rng *rand.Rand) []float64 {
		i := min(rng.IntN(len(population)), rng.IntN(len(population)))
		return c.vector(req.Past[all.records[population[i]]].Params)
	}
	return untried(req, func(i int, _ []search.Params, rng *rand.Rand, again bool) search.Params {
		switch {
		case len(population) < 2 && again:
			return req.Space.Sample(rng)
		case len(population) < 2 || req.First+i < size && !again:
			return sobol.point(req.First + i)
		}
		x := parent(rng)
		if rng.Float64() < .9 {
			x = c.crossed(rng, x, parent(rng))
		}
		return c.decode(c.mutant(rng, x))
	})
}
