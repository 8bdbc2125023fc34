package nas

import (
	"math/rand/v2"
	"strconv"
)

// dealer samples genomes of a space whose decisions are dealt: at each place every
// alternative, and every number of repetitions, comes once before one comes again.
// Genomes beyond the limits are dealt and put aside, so that there the numbers are
// equal only about. Attributes come from their dimensions.
type dealer struct {
	space *Space
	decks map[string][]int
}

func (s *Space) dealer() *dealer { return &dealer{space: s, decks: map[string][]int{}} }

func (d *dealer) sample(r *rand.Rand) Genome {
	for range sampleTries {
		if g := (Genome{d.deal(r, d.space.root, "")}); d.space.fits(g) {
			return g
		}
	}
	return d.space.Sample(r)
}

// card is one of n from the deck of a place.
func (d *dealer) card(r *rand.Rand, place string, n int) int {
	if len(d.decks[place]) == 0 {
		d.decks[place] = r.Perm(n)
	}
	deck := d.decks[place]
	d.decks[place] = deck[1:]
	return deck[0]
}

func (d *dealer) deal(r *rand.Rand, p *production, place string) node {
	n := node{kind: p.kind}
	switch p.kind {
	case opKind:
		return p.sample(r)
	case oneOfKind:
		n.pick = d.card(r, place, len(p.kids))
		n.kids = []node{d.deal(r, p.kids[n.pick], place+"/"+strconv.Itoa(n.pick))}
		return n
	}
	n.kids = make([]node, p.count(p.min+d.card(r, place, p.max-p.min+1)))
	for i := range n.kids {
		n.kids[i] = d.deal(r, p.kid(&n, i), place+"."+strconv.Itoa(i))
	}
	return n
}
