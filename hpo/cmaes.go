package hpo

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"

	"budwood/search"
)

// CMAES is the covariance matrix adaptation evolution strategy (Hansen 2016, with
// active updates) with a margin for discrete numbers (Hamano et al. 2022) and
// restarts (BIPOP; Hansen 2009).
//
// Every list of parameters that exist together, the space itself and each branch
// below an option, has a normal distribution of its own over its numbers and
// ordinals; each categorical parameter has probabilities, learned from the best
// trials with that parameter. The trials of a list, in the order of their
// numbers, are its generations of λ, whoever proposed them: the strategy is
// replayed from the past. A trial that runs is missing from its generation until
// it has a result; one without a usable result is among the worst. The first mean
// is the middle of each range; the first categories are those of [Sobol].
//
// What was replayed is remembered, so that a proposal costs microseconds; that
// changes no proposal. The zero value is ready; it must not be copied.
type CMAES struct {
	Population int     // λ; 0 means 4 + ⌊3 ln D⌋ for D numbers
	Sigma      float64 // the first step size, as a share of each range; 0 means 1/6

	mu   sync.Mutex
	memo *cmaMemo
}

var _ search.Sampler = (*CMAES)(nil)

// Propose returns points of the present generations.
func (s *CMAES) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memo == nil || !s.memo.serves(req) {
		s.memo = newCMAMemo(s, req)
	}
	m := s.memo
	m.read(req)
	first := func(i int) func() []float64 { // an even point
		var x []float64
		return func() []float64 {
			if x == nil {
				x = newSobol(req).vector(req.First + i)
			}
			return x
		}
	}
	x := make([]float64, len(m.c.dims))
	fresh := map[*cmaGroup]int{} // members proposed in this request
	tries := 0
	return untriedBy(req, m.repeats, func(i int, out []search.Params, rng *rand.Rand, again bool) search.Params {
		if !again {
			tries = 0
		} else {
			tries++
		}
		if !again && i > 0 {
			m.c.encode(out[i-1], x)
			m.root.each(x, func(g *cmaGroup) { fresh[g]++ })
		}
		for k := range x {
			x[k] = 0
		}
		d := cmaDraw{rng: rng, tries: tries, fresh: fresh}
		if !again {
			d.first = first(i)
		}
		m.root.draw(m, d, x)
		return m.c.decode(x)
	})
}

// cmaMemo is what was replayed of one study.
type cmaMemo struct {
	opt   *CMAES
	space search.Space
	goal  search.Objective
	seed  uint64
	c     *cube
	root  *cmaGroup
	count int // groups
	known []cmaRecord
	tried map[uint64]int // how many records have a vector, by its hash
	next  []float64      // room for a vector
}

// cmaRecord is a record as it was last seen.
type cmaRecord struct {
	params search.Params // kept, so that its identity tells it from others
	id     int
	x      []float64
	loss   float64
	result cmaResult
}

type cmaResult int8

const (
	cmaPending cmaResult = iota
	cmaBroken            // ended without a usable loss
	cmaLoss
)

func newCMAMemo(opt *CMAES, req search.Request) *cmaMemo {
	m := &cmaMemo{opt: opt, space: req.Space, seed: req.Seed, c: newCube(req.Space), tried: map[uint64]int{}}
	m.next = make([]float64, len(m.c.dims))
	if len(req.Objectives) > 0 {
		m.goal = req.Objectives[0]
	}
	m.root = m.group(m.c.tree)
	return m
}

// serves reports whether the request is of the study that was replayed.
func (m *cmaMemo) serves(req search.Request) bool {
	same := m.seed == req.Seed && len(m.space) == len(req.Space) && len(req.Objectives) > 0 && m.goal == req.Objectives[0]
	for i := 0; same && i < len(m.space); i++ {
		same = m.space[i].Dim() == req.Space[i].Dim()
	}
	return same
}

// read brings what is known up to date and replays what is new.
func (m *cmaMemo) read(req search.Request) {
	past := req.Past
	if !slices.IsSortedFunc(past, func(a, b search.Record) int { return a.ID - b.ID }) {
		past = slices.Clone(past)
		slices.SortStableFunc(past, func(a, b search.Record) int { return a.ID - b.ID })
	}
	gain := gains(past, m.goal)
	same := 0 // so many records are as before
	for i := range past {
		r := &past[i]
		loss, result := 0., cmaPending
		if l, ok := lossOf(r, m.goal); ok {
			loss, result = l, cmaLoss
			if last, _ := r.Last(); r.State != search.Completed {
				loss += gain[last.Budget]
			}
		} else if r.State.Ended() {
			result = cmaBroken
		}
		if i < len(m.known) {
			k := &m.known[i]
			if k.id == r.ID && identity(k.params) == identity(r.Params) {
				if k.loss == loss && k.result == result {
					if same == i {
						same++
					}
					continue
				}
				k.loss, k.result = loss, result
				continue
			}
			m.forget(i) // other trials than those known
		}
		x := make([]float64, len(m.c.dims))
		m.c.encode(r.Params, x)
		m.known = append(m.known, cmaRecord{r.Params, r.ID, x, loss, result})
		m.tried[hashOf(x)]++
		m.root.each(x, func(g *cmaGroup) { g.members = append(g.members, i) })
	}
	if len(past) < len(m.known) {
		m.forget(len(past))
	}
	m.root.all(func(g *cmaGroup) { g.replay(m, same) })
}

// repeats reports whether a point is in the past or among those proposed.
func (m *cmaMemo) repeats(proposed []search.Params, p search.Params) bool {
	m.c.encode(p, m.next)
	h := hashOf(m.next)
	if m.tried[h] > 0 {
		return true
	}
	for _, q := range proposed {
		m.c.encode(q, m.next)
		if hashOf(m.next) == h {
			return true
		}
	}
	return false
}

// forget drops the records from number n on.
func (m *cmaMemo) forget(n int) {
	for _, k := range m.known[n:] {
		m.tried[hashOf(k.x)]--
	}
	m.known = m.known[:n]
	m.root.all(func(g *cmaGroup) {
		i, _ := slices.BinarySearch(g.members, n)
		g.members = g.members[:i]
	})
}
