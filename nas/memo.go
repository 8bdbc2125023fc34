package nas

import (
	"reflect"
	"slices"
	"sync"

	"budwood/search"
)

// memo is what a space keeps of a study's past from one proposal to the next, so
// that a proposal after very many trials looks closely at the new ones alone. It
// changes no proposal. A record's params, and the measurements of one that has
// ended, are taken to be unchanged while they are at the same place; of the
// youngest records everything is read anew in any case. The zero value is empty.
type memo struct {
	mu sync.Mutex // held while a request is answered
	recollection
	elite    eliteMemo
	niches   nicheMemo
	ensemble ensembleMemo
}

// recollection is what is known of the records.
type recollection struct {
	written bool // how networks are told apart; see Space.mark
	hyper   search.Space
	goals   []search.Objective
	budget  int // that losses were taken at
	past    []search.Record
	known   []known
	byMark  map[string][]search.Params // of the first so many records
	marked  int
	walked  int // see foot
	last    int
	all     []*individual
}

// known is a record as it was last seen.
type known struct {
	params search.Params // kept, so that its place tells it from others
	last   *search.Measurement
	state  search.State
	ended  bool        // in that state
	who    *individual // another one whenever its losses have changed; nil without losses
	net    *reading
}

// So many of the youngest records are read anew in any case.
const memoFresh = 256

// recall reads a request's past for a space. What it had read of another study,
// it forgets.
func (m *memo) recall(s *Space, req search.Request) {
	same := m.written == s.written && len(m.known) <= len(req.Past) && len(m.hyper) == len(req.Space)
	for i := 0; same && i < len(m.hyper); i++ {
		same = m.hyper[i].Dim() == req.Space[i].Dim()
	}
	for i := 0; same && i < len(m.known); i++ {
		same = identity(m.known[i].params) == identity(req.Past[i].Params)
	}
	if !same {
		m.recollection = recollection{written: s.written, hyper: req.Space}
	}
	m.past = req.Past
	for i := len(m.known); i < len(req.Past); i++ {
		m.known = append(m.known, known{params: req.Past[i].Params, net: new(reading)})
	}
}

// identity tells maps apart without looking into them.
func identity(p search.Params) uintptr { return reflect.ValueOf(p).Pointer() }

// with are the params of the past whose network has a mark.
func (m *memo) with(s *Space, mark string) []search.Params {
	if m.byMark == nil {
		m.byMark = make(map[string][]search.Params, len(m.known))
	}
	for ; m.marked < len(m.known); m.marked++ {
		p := m.known[m.marked].params
		of := s.markOf(p)
		m.byMark[of] = append(m.byMark[of], p)
	}
	return m.byMark[mark]
}

// individuals are the trials whose losses can be compared, the oldest first.
// Losses are comparable at equal budgets only: they are taken at the largest
// budget at which at least enough trials have some. A trial that completed
// before, because it no longer improved, keeps its last losses at every larger
// budget. As long as no budget has enough, the one with the most counts. Nobody
// changes the list.
func (m *memo) individuals(goals []search.Objective, enough int) []*individual {
	budget := commonBudget(m.past, enough)
	again := budget != m.budget || !slices.Equal(m.goals, goals)
	m.budget, m.goals = budget, goals
	m.all = m.all[:0]
	for i := range m.past {
		r, k := &m.past[i], &m.known[i]
		var last *search.Measurement
		if n := len(r.Measurements); n > 0 {
			last = &r.Measurements[n-1]
		}
		if again || i >= len(m.past)-memoFresh || k.last != last || k.state != r.State || !k.ended {
			k.last, k.state, k.ended = last, r.State, r.State.Ended()
			k.who = measured(r, i, goals, budget, k)
		}
		if k.who != nil {
			m.all = append(m.all, k.who)
		}
	}
	return m.all
}

// common is the number of individuals at the beginning of two lists that are the
// same, losses included.
func common(a, b []*individual) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
