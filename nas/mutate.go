package nas

import (
	"math/rand/v2"

	"budwood/search"
)

// mutateTries bounds the search for a neighbour that may be tried.
const mutateTries = 64

// Mutate takes one decision of a genome anew, a small step: another alternative,
// which inherits the sizes of the one it replaces; one repetition more or less;
// a near value of an attribute. (Several at once, in large spaces, were measured: they
// are worse.) The child's network differs from
// the parent's and keeps within the limits of a bound space. Where 64 tries
// find no such child, it is a fresh sample. A genome that is none of this space
// is an error.
func (s *Space) Mutate(r *rand.Rand, g Genome) (Genome, error) {
	if err := s.Check(g); err != nil {
		return Genome{}, err
	}
	h, _ := s.mutate(r, g)
	return h, nil
}

// mutate also returns what changed; nothing of a fresh sample.
func (s *Space) mutate(r *rand.Rand, g Genome) (Genome, []change) {
	was := s.mark(g)
	for range mutateTries {
		h, changes := s.varied(r, g)
		if len(changes) == 0 {
			break
		}
		if s.mark(h) != was && s.fits(h) {
			return h, changes
		}
	}
	return s.Sample(r), nil
}

// varied takes a decision anew, whatever network that gives; nothing has changed if
// there is none to take.
func (s *Space) varied(r *rand.Rand, g Genome) (Genome, []change) {
	h, c, ok := s.step(r, g)
	if !ok {
		return g, nil
	}
	r.Float64() // once told whether to take another one; small spaces are searched as ever
	return h, []change{c}
}

// step takes one decision anew; ok is false if there is none to take.
func (s *Space) step(r *rand.Rand, g Genome) (h Genome, c change, ok bool) {
	n := s.root.decisions(&g.root)
	if n == 0 {
		return g, c, false
	}
	n = r.IntN(n)
	s.root.sites(&g.root, make([]int, 0, 16), func(at site) bool {
		if n == 0 {
			var n node
			n, c = at.mutated(r)
			h = at.replace(g, n)
		}
		n--
		return n >= 0
	})
	return h, c, true
}

func (s site) mutated(r *rand.Rand) (node, change) {
	switch s.p.kind {
	case opKind:
		x, _ := search.Number(near(r, s.p.dims[s.attr], s.n.vals[s.attr]))
		return s.with(x), change{what: s.p.op.name + " " + s.p.op.attrs[s.attr].name, x: s.n.vals[s.attr], y: x}
	case oneOfKind:
		i := r.IntN(len(s.p.kids) - 1)
		if i >= s.n.pick {
			i++
		}
		kid := s.p.kids[i].sample(r)
		sizes := map[string][]float64{}
		s.n.kids[0].sizes(sizes)
		s.p.kids[i].inherit(&kid, sizes)
		return node{kind: oneOfKind, pick: i, kids: []node{kid}}, change{from: s.n.kids[0].label(), to: kid.label()}
	}
	k := len(s.n.kids)
	if k < s.p.max && (k == s.p.min || r.IntN(2) == 0) {
		kid := s.p.kids[0].sample(r)
		if k > 0 && r.IntN(2) == 0 {
			kid = s.n.kids[r.IntN(k)] // a copy of what is there
		}
		return s.inserted(r.IntN(k+1), kid), change{what: "+", to: kid.label()}
	}
	k = r.IntN(k)
	return s.without(k), change{what: "−", to: s.n.kids[k].label()}
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
