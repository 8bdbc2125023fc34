package nas

import (
	"errors"
	"math"

	"budwood/search"
)

// shrink looks for the network that uses the smallest share of the limits: a
// descent, one decision at a time, from the first derivation, or from a random
// one if that does not fit the data. It returns the smallest network found,
// with an error if that is none to train.
func (s *Space) shrink() (Genome, error) {
	g := Genome{s.root.first()}
	best, err := s.share(g)
	r := search.Rand(0, 0)
	for i := 0; i < 1000 && math.IsInf(best, 1); i++ {
		h := Genome{s.root.sample(r)}
		if c, e := s.share(h); c < best {
			g, best, err = h, c, e
		}
	}
	for better := !math.IsInf(best, 1); better; {
		better = false
		for _, h := range s.variants(g) {
			if c, e := s.share(h); c < best {
				g, best, err, better = h, c, e, true
			}
		}
	}
	return g, err
}

// share is the largest share of a limit that the genome uses, +Inf if it gives
// no network; the error says why it may not be tried.
func (s *Space) share(g Genome) (float64, error) {
	_, n, err := s.measured(g)
	if err != nil && !errors.Is(err, ErrLimit) {
		return math.Inf(1), err
	}
	return s.limits.excess(n.times(s.folds)), err
}

// variants are the genomes one decision away, with the least and the largest
// value of each attribute.
func (s *Space) variants(g Genome) []Genome {
	var out []Genome
	s.root.sites(&g.root, nil, func(at site) bool {
		switch at.p.kind {
		case opKind:
			d := at.p.dims[at.attr]
			out = append(out, at.replace(g, at.with(decodeDim(d, 0))), at.replace(g, at.with(decodeDim(d, 1))))
		case oneOfKind:
			for i, k := range at.p.kids {
				if i != at.n.pick {
					out = append(out, at.replace(g, node{kind: oneOfKind, pick: i, kids: []node{k.first()}}))
				}
			}
		case repeatKind:
			k := len(at.n.kids)
			if k > at.p.min {
				out = append(out, at.replace(g, at.without(k-1)))
			}
			if k < at.p.max {
				out = append(out, at.replace(g, at.inserted(k, at.p.kids[0].first())))
			}
		}
		return true
	})
	return out
}
