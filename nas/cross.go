package nas

import "math/rand/v2"

const crossTries = 16

// Cross mixes two genomes: wherever both took the same decisions, the parts
// below are mixed, and wherever they differ, a coin decides. The child keeps
// within the limits of a bound space; where 16 tries find none that does, it is
// a. A genome that is none of this space is an error.
func (s *Space) Cross(r *rand.Rand, a, b Genome) (Genome, error) {
	if err := s.Check(a); err != nil {
		return Genome{}, err
	}
	if err := s.Check(b); err != nil {
		return Genome{}, err
	}
	return s.cross(r, a, b), nil
}

func (s *Space) cross(r *rand.Rand, a, b Genome) Genome {
	for range crossTries {
		if h := (Genome{s.root.cross(r, &a.root, &b.root)}); s.fits(h) {
			return h
		}
	}
	return a
}

func (p *production) cross(r *rand.Rand, a, b *node) node {
	if p.kind == oneOfKind && a.pick != b.pick {
		return *coin(r, a, b)
	}
	n := node{kind: a.kind, pick: a.pick, op: a.op}
	if p.kind == opKind {
		n.vals = make([]float64, len(a.vals))
		for i := range n.vals {
			n.vals[i] = coin(r, a, b).vals[i]
		}
		return n
	}
	// Repetitions: as many as one of them has; position by position.
	n.kids = make([]node, len(coin(r, a, b).kids))
	for i := range n.kids {
		switch {
		case i >= len(a.kids):
			n.kids[i] = b.kids[i]
		case i >= len(b.kids):
			n.kids[i] = a.kids[i]
		default:
			n.kids[i] = p.kid(a, i).cross(r, &a.kids[i], &b.kids[i])
		}
	}
	return n
}

func coin[T any](r *rand.Rand, a, b T) T {
	if r.IntN(2) == 0 {
		return a
	}
	return b
}
