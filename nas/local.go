package nas

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// LocalSearch climbs: each trial is an untried neighbour, a mutation away, of
// the best network so far; where 16 draws find none, of the second best, then of the
// third. Where these have no neighbours left it climbs again from a random network
// (White et al. 2021, "Local search is state of the art for NAS"). The first trials
// are random.
//
// The losses are those of the first objective, at the largest budget at which
// at least as many trials as there are first ones can be compared.
type LocalSearch struct {
	Space *Space
	First int // random trials; 0 means 10
}

var _ search.Sampler = LocalSearch{}

// Propose climbs on.
func (s LocalSearch) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	begin := positive(s.First, 10)
	return propose(ctx, s.Space, req, func(m *memo) drawFunc {
		all := m.individuals(mainGoal(req), begin)
		foot := m.foot()
		climb, _ := slices.BinarySearchFunc(all, foot, func(i *individual, at int) int { return cmp.Compare(i.at, at) })
		top := best(all[climb:], climbDraws/parentDraws)
		settle(top, chance(all[max(len(all)-recent, 0):]))
		return func(trial, try int, r *rand.Rand) (candidate, bool) {
			if at := try / parentDraws; trial >= begin && at < len(top) {
				if parent, ok := s.Space.candidate(top[at]); ok {
					return s.Space.child(r, parent, req.Space)
				}
			}
			return sampled(r, s.Space, req.Space), false
		}
	})
}

const (
	parentDraws = 16 // of neighbours of each of the best
	climbDraws  = 48 // after which a climb has come to its end
)

// foot is the place in the past of the random network that the last climb began with,
// 0 if there was one only.
func (m *memo) foot() int {
	for ; m.walked < len(m.known); m.walked++ {
		if o, ok := OriginOf(m.known[m.walked].params); ok && len(o.Parents) == 0 && o.Avoided >= climbDraws {
			m.last = m.walked
		}
	}
	return m.last
}

// best are the n individuals of least loss; where equal those of the better
// learning curve, then the older first.
func best(all []*individual, n int) []*individual {
	out := make([]*individual, 0, n+1)
	for _, i := range all {
		if len(out) == n && !i.better(out[n-1]) {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, i, func(a, b *individual) int {
			if !b.better(a) {
				return -1
			}
			return 1
		})
		out = slices.Insert(out, at, i)[:min(len(out)+1, n)]
	}
	return out
}
