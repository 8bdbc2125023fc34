package hpo

import (
	"reflect"
	"slices"

	"budwood/search"
)

// memo is what a sampler keeps of a study's past from one request to the next,
// so that a proposal after very many trials looks closely at the new ones alone.
// It changes no proposal: of records that are not the same as before, and of the
// youngest in any case, everything is read anew. The params and measurements of an
// older record that has ended are taken to be unchanged while they are at the same
// place. The zero value is empty; it serves one request at a time.
type memo struct {
	space search.Space
	goal  search.Objective
	c     *cube
	known []memoRecord
	tried map[uint64]int32 // how many of the first hashed records have a vector, by its hash
	next  []float64        // room for a vector

	hashed  int
	version int      // see past
	results []ranked // room for those of the last past
	ranking ranking
}

// memoRecord is a record as it was last seen.
type memoRecord struct {
	params search.Params       // kept, so that its place tells it from others
	last   *search.Measurement // as well
	state  search.State
	loss   float64 // without what trials usually gain later
	usable bool
	hash   uint64
}

// So many of the youngest records are read anew in any case.
const memoFresh = 1 << 10

// serves reports whether the request is of the study that is known.
func (m *memo) serves(req search.Request) bool {
	same := m.c != nil && len(m.space) == len(req.Space) && m.goal == req.Objectives[0]
	for i := 0; same && i < len(m.space); i++ {
		same = m.space[i].Dim() == req.Space[i].Dim()
	}
	return same
}

// read is what the request's past tells. It is good until the next one is read.
func (m *memo) read(req search.Request) past {
	var p past
	if len(req.Objectives) == 0 {
		return p
	}
	if !m.serves(req) {
		*m = memo{space: req.Space, goal: req.Objectives[0], c: newCube(req.Space), version: m.version + 1}
	}
	m.forget(len(req.Past))
	if m.known == nil {
		m.known = make([]memoRecord, 0, len(req.Past)+16)
	}
	gain := gains(req.Past, m.goal)
	results := slices.Grow(m.results[:0], len(req.Past))
	for i := range req.Past {
		r := &req.Past[i]
		if i == len(m.known) {
			m.known = append(m.known, memoRecord{params: r.Params})
			m.version++
		}
		k := &m.known[i]
		var last *search.Measurement
		if n := len(r.Measurements); n > 0 {
			last = &r.Measurements[n-1]
		}
		if identity(k.params) != identity(r.Params) {
			m.forget(i)
			m.known = append(m.known, memoRecord{params: r.Params})
			k = &m.known[i]
		}
		if i >= len(req.Past)-memoFresh || k.last != last || k.state != r.State || !k.state.Ended() {
			loss, usable := lossOf(r, m.goal)
			if k.last != last || k.state != r.State || k.loss != loss || k.usable != usable {
				m.version++
			}
			k.last, k.state, k.loss, k.usable = last, r.State, loss, usable
		}
		if last != nil && (k.state == search.Stopped || k.state == search.Paused) {
			p.cut++
		}
		switch {
		case !k.usable && k.state.Ended():
			p.bad = append(p.bad, i)
		case !k.usable:
			p.pending = append(p.pending, i)
		case k.state == search.Completed || len(gain) == 0:
			results = append(results, ranked{i, k.loss})
		default:
			results = append(results, ranked{i, k.loss + gain[last.Budget]})
		}
	}
	m.results, p.results = results, results
	p.version = m.version
	p.ranked = m.ranking.rank(results)
	return p
}

// repeats reports whether a point is in the past that was read last or among those
// proposed.
func (m *memo) repeats(proposed []search.Params, p search.Params) bool {
	m.hashAll()
	h := m.hash(p)
	if m.tried[h] > 0 {
		return true
	}
	for _, q := range proposed {
		if m.hash(q) == h {
			return true
		}
	}
	return false
}

// hashAll hashes the records that were not yet.
func (m *memo) hashAll() {
	if m.tried == nil {
		m.tried, m.next = make(map[uint64]int32, len(m.known)), make([]float64, len(m.c.dims))
	}
	for ; m.hashed < len(m.known); m.hashed++ {
		k := &m.known[m.hashed]
		k.hash = m.hash(k.params)
		m.tried[k.hash]++
	}
}

// hash tells points apart: a value that does not belong to the space, or a
// genome, makes another point.
func (m *memo) hash(p search.Params) uint64 {
	m.c.encode(p, m.next)
	h := hashOf(m.next)
	if p[search.ArchitectureKey] != nil {
		h++
	}
	return h
}

// forget drops the records from number n on.
func (m *memo) forget(n int) {
	if n >= len(m.known) {
		return
	}
	m.version++
	for _, k := range m.known[n:max(m.hashed, n)] {
		if m.tried[k.hash]--; m.tried[k.hash] == 0 {
			delete(m.tried, k.hash)
		}
	}
	m.hashed = min(m.hashed, n)
	m.known = m.known[:n]
}

// identity tells maps apart without looking into them.
func identity(p search.Params) uintptr { return reflect.ValueOf(p).Pointer() }
