package nas

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// Evolution is aging evolution (regularized evolution; Real et al. 2019,
// Algorithm 1). The first P trials are random. After that, each trial is a
// child of the best of S trials drawn from the population, the youngest P
// usable trials: trials leave it by age, not by loss. The child's network is
// mutated, or a hyperparameter is moved, or both; networks that were tried
// before, equal by their canonical hash, are avoided.
//
// With a proxy the first P trials are not random, but what remains of 10·P
// random networks when the worst by the proxy are rejected, and each later
// trial is the child that remains of three.
//
// The losses are those of the first objective, at the largest budget at which
// at least S trials can be compared. Of losses that differ by no more than chance
// the better learning curve wins: what learned faster goes on to be better (Ru et
// al. 2021).
type Evolution struct {
	Space      *Space
	Population int // P; 0 means 30
	Sample     int // S; 0 means 10
	Proxy      Proxy
}

var _ search.Sampler = Evolution{}

// Propose evolves the past.
func (e Evolution) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	size, sample := positive(e.Population, 30), positive(e.Sample, 10)
	return propose(ctx, e.Space, req, func(m *memo) drawFunc {
		all := m.individuals(mainGoal(req), sample)
		young := all[max(len(all)-size, 0):]
		var screened []Genome
		return func(trial, try int, r *rand.Rand) (candidate, bool) {
			if trial < size && e.Proxy != nil {
				if screened == nil {
					screened = e.screened(req.Seed, size)
				}
				if at := trial + try*size; at < len(screened) {
					return candidate{genome: screened[at], point: req.Space.Sample(r)}, false
				}
			}
			if trial >= size {
				if parent, ok := e.parent(r, young, sample); ok {
					return e.child(r, parent, req.Space)
				}
			}
			return sampled(r, e.Space, req.Space), false
		}
	})
}

// screened are 10·n random networks, the best by the proxy first. They belong
// to the study, not to a trial.
func (e Evolution) screened(seed uint64, n int) []Genome {
	type scored struct {
		genome Genome
		score  float64
	}
	r := search.Rand(seed, -1)
	pool := make([]scored, 10*n)
	for i := range pool {
		g := e.Space.Sample(r)
		pool[i] = scored{g, e.Proxy(g)}
	}
	slices.SortStableFunc(pool, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	out := make([]Genome, len(pool))
	for i := range pool {
		out[i] = pool[i].genome
	}
	return out
}

// child is a child of the parent, with a proxy the best of three by it.
func (e Evolution) child(r *rand.Rand, parent candidate, hyper search.Space) (c candidate, known bool) {
	c, known = e.Space.child(r, parent, hyper)
	if e.Proxy == nil {
		return c, known
	}
	score := e.Proxy(c.genome)
	for range 2 {
		d, k := e.Space.child(r, parent, hyper)
		if s := e.Proxy(d.genome); s > score {
			c, known, score = d, k, s
		}
	}
	return c, known
}

// parent is the best of n individuals drawn with replacement, of those whose
// genome belongs to the space.
func (e Evolution) parent(r *rand.Rand, young []*individual, n int) (candidate, bool) {
	if len(young) == 0 {
		return candidate{}, false
	}
	drawn := make([]*individual, n)
	for k := range drawn {
		drawn[k] = young[len(young)-1-r.IntN(len(young))]
	}
	drawn = best(drawn, n)
	settle(drawn, chance(young))
	for _, i := range drawn {
		if c, ok := e.Space.candidate(i); ok {
			return c, true
		}
	}
	return candidate{}, false
}

func positive(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}
