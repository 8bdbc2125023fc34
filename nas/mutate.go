package nas

import (
	"math/rand/v2"

	"budwood/search"
)

// mutateTries bounds the search for a neighbour that may be tried.
const mutateTries = 64

// Mutate takes a decision of a genome anew, a small step: another alternative,
// which inherits the sizes of the one it replaces; one repetition more or less;
// a near value of an attribute. Of a genome with more than 8 decisions it may
// take another one, and so on, each time with up to even odds, so that large
// networks are not searched one decision at a time. The child's network differs from
// the parent's and keeps within the limits of a bound space. Where 64 tries
// find no such child, it is a fresh sample. A genome that is none of this space
// is an error.
func (s *Space) Mutate(r *rand.Rand, g Genome) (Genome, error) {
	if err := s.Check(g); err != nil {
		return Genome{}, err
	}
	return s.mutate(r, g), nil
}

func (s *Space) mutate(r *rand.Rand, g Genome) Genome {
	was := s.mark(g)
	more := min(.5, 1-8/float64(s.root.decisions(&g.root)))
	for range mutateTries {
		h, ok := s.step(r, g)
		for ok && r.Float64() < more {
			h, ok = s.step(r, h)
		}
		if !ok {
			break
		}
		if s.mark(h) != was && s.fits(h) {
			return h
		}
	}
	return s.Sample(r)
}

// step takes one decision anew; ok is false if there is none to take.
func (s *Space) step(r *rand.Rand, g Genome) (h Genome, ok bool) {
	n := s.root.decisions(&g.root)
	if n == 0 {
		return g, false
	}
	n = r.IntN(n)
	s.root.sites(&g.root, make([]int, 0, 16), func(at site) bool {
		if n == 0 {
			h = at.replace(g, at.mutated(r))
		}
		n--
		return n >= 0
	})
	return h, true
}

func (s site) mutated(r *rand.Rand) node {
	switch s.p.kind {
	case opKind:
		x, _ := search.Number(near(r, s.p.dims[s.attr], s.n.vals[s.attr]))
		return s.with(x)
	case oneOfKind:
		i := r.IntN(len(s.p.kids) - 1)
		if i >= s.n.pick {
			i++
		}
		kid := s.p.kids[i].sample(r)
		sizes := map[string][]float64{}
		s.n.kids[0].sizes(sizes)
		s.p.kids[i].inherit(&kid, sizes)
		return node{kind: oneOfKind, pick: i, kids: []node{kid}}
	}
	k := len(s.n.kids)
	if k < s.p.max && (k == s.p.min || r.IntN(2) == 0) {
		kid := s.p.kids[0].sample(r)
		if k > 0 && r.IntN(2) == 0 {
			kid = s.n.kids[r.IntN(k)] // a copy of what is there
		}
		return s.inserted(r.IntN(k+1), kid)
	}
	return s.without(r.IntN(k))
}

// sizes collects the values of the attributes of a subtree by name, in order.
func (n *node) sizes(to map[string][]float64) {
	if n.kind == opKind {
		for i, a := range n.op.attrs {
			to[a.name] = append(to[a.name], n.vals[i])
		}
	}
	for i := range n.kids {
		n.kids[i].sizes(to)
	}
}

// inherit gives the attributes of a fresh subtree the collected values of the
// same name, as far as they are allowed there.
func (p *production) inherit(n *node, from map[string][]float64) {
	for i, d := range p.dims {
		name := p.op.attrs[i].name
		if d == nil || len(from[name]) == 0 {
			continue
		}
		if _, err := d.Check(from[name][0]); err == nil {
			n.vals[i] = from[name][0]
		}
		from[name] = from[name][1:]
	}
	for i := range n.kids {
		p.kid(n, i).inherit(&n.kids[i], from)
	}
}
