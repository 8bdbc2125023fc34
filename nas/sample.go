package nas

import (
	"math/rand/v2"

	"budwood/search"
)

// How hard sampling tries before it falls back to what is known to fit.
const (
	sampleTries = 64
	walkSteps   = 24
)

// Sample draws a genome: every alternative and every number of repetitions is
// equally likely, attributes come from their dimensions. Of a bound space it
// keeps within the limits: where they leave so little that 64 draws miss, it
// walks at random from the smallest network.
func (s *Space) Sample(r *rand.Rand) Genome {
	for range sampleTries {
		if g := (Genome{s.root.sample(r)}); s.fits(g) {
			return g
		}
	}
	g := s.smallest
	for range walkSteps {
		if h, _, ok := s.step(r, g); ok && s.fits(h) {
			g = h
		}
	}
	return g
}

func (p *production) sample(r *rand.Rand) node {
	n := node{kind: p.kind}
	switch p.kind {
	case opKind:
		n.op = p.op
		n.vals = make([]float64, len(p.dims))
		for i, d := range p.dims {
			if d == nil {
				n.vals[i] = p.op.attrs[i].def
			} else {
				n.vals[i] = decodeDim(d, r.Float64())
			}
		}
		return n
	case oneOfKind:
		n.pick = r.IntN(len(p.kids))
		n.kids = []node{p.kids[n.pick].sample(r)}
		return n
	}
	n.kids = make([]node, p.count(p.min+r.IntN(p.max-p.min+1)))
	for i := range n.kids {
		n.kids[i] = p.kid(&n, i).sample(r)
	}
	return n
}

// count is the number of children of a node: repetitions of a Repeat, else
// what the rule says.
func (p *production) count(repetitions int) int {
	switch p.kind {
	case repeatKind, cellKind:
		return repetitions
	}
	return len(p.kids)
}

// first is the derivation with the fewest repetitions, the first alternatives
// and the least values.
func (p *production) first() node {
	n := node{kind: p.kind}
	switch p.kind {
	case opKind:
		n.op = p.op
		n.vals = make([]float64, len(p.dims))
		for i, d := range p.dims {
			if d == nil {
				n.vals[i] = p.op.attrs[i].def
			} else {
				n.vals[i] = decodeDim(d, 0)
			}
		}
		return n
	case oneOfKind:
		n.kids = []node{p.kids[0].first()}
		return n
	}
	n.kids = make([]node, p.count(p.min))
	for i := range n.kids {
		n.kids[i] = p.kid(&n, i).first()
	}
	return n
}

func decodeDim(d *search.Dim, u float64) float64 {
	x, _ := search.Number(d.Decode(u))
	return x
}
