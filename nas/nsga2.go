package nas

import (
	"context"
	"math/rand/v2"

	"budwood/search"
)

// NSGA2 searches for several objectives at once (NSGA-II; Deb et al. 2002). The
// population is the best P of all comparable trials: by front, and on the last
// front that has room by crowding distance. The first P trials are random; then
// each trial is the mutated child of a parent, the better of two drawn from the
// population; half of the children have a second parent, with which the first
// is crossed before. There are no generations, so that trials may run in
// parallel, and the population is smaller than usual: trials are dear.
//
// In a space that is bound to data, networks that were tried before are avoided
// by their canonical hash. In one that is not, somebody else builds the
// networks, and what they cost may depend on how they are written: only the
// same derivation counts as tried.
type NSGA2 struct {
	Space      *Space
	Population int // P; 0 means 10
}

var _ search.Sampler = NSGA2{}

// Propose evolves the past.
func (s NSGA2) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	size := positive(s.Population, 10)
	return crossed(ctx, s.Space, req, size, func(m *memo) parentFunc {
		population := m.elite.of(m.individuals(req.Objectives, size), size)
		return func(r *rand.Rand) (candidate, bool) { return s.parent(r, population) }
	})
}

// parentFunc draws a parent; ok is false if there is none.
type parentFunc func(*rand.Rand) (c candidate, ok bool)

// crossed proposes random networks for the first trials, and then the mutated
// children of parents, half of which are crossed with a second one before.
func crossed(ctx context.Context, space *Space, req search.Request, first int, learn func(*memo) parentFunc) ([]search.Params, error) {
	if space != nil && space.in == nil {
		space = space.literal()
	}
	return propose(ctx, space, req, func(m *memo) drawFunc {
		parent := learn(m)
		return func(trial, _ int, r *rand.Rand) (candidate, bool) {
			if trial >= first {
				one, ok := parent(r)
				if other, both := parent(r); both && ok && r.IntN(2) == 0 && other.trial != one.trial {
					one = space.mixed(r, one, other, req.Space)
				}
				if ok {
					return space.child(r, one, req.Space)
				}
			}
			return sampled(r, space, req.Space), false
		}
	})
}

// parent is the better of two drawn from the population.
func (s NSGA2) parent(r *rand.Rand, population []ranked) (candidate, bool) {
	if len(population) == 0 {
		return candidate{}, false
	}
	a, b := population[r.IntN(len(population))], population[r.IntN(len(population))]
	if b.better(a) {
		a = b
	}
	return s.Space.candidate(a.individual)
}
