package nas

import "slices"

// Genome is a derivation of a grammar: every decision that leads to one
// network. It is a value that nothing changes; the zero Genome derives the
// empty network, which is the output layer alone.
type Genome struct{ root node }

// kind is the kind of a rule and of the nodes derived from it.
type kind uint8

const (
	seqKind kind = iota // also the zero node
	oneOfKind
	repeatKind
	addKind
	concatKind
	cellKind
	opKind
)

// node is a node of a derivation. Subtrees are shared between genomes and are
// never changed in place.
type node struct {
	kind kind
	pick int        // of a OneOf: which
	op   *operation // of an Op
	vals []float64  // of an Op: the values of op.attrs
	kids []node
}

// Equal reports whether two genomes are the same derivation. Different
// derivations may still lead to the same network: compare [Genome.Hash].
func (g Genome) Equal(h Genome) bool { return g.root.equal(&h.root) }

func (n *node) equal(m *node) bool {
	if n.kind != m.kind || n.pick != m.pick || n.op != m.op || len(n.kids) != len(m.kids) || !slices.Equal(n.vals, m.vals) {
		return false
	}
	for i := range n.kids {
		if !n.kids[i].equal(&m.kids[i]) {
			return false
		}
	}
	return true
}

// cellNodes is the number of nodes of a cell with that many edges, 0 if there
// is none.
func cellNodes(edges int) int {
	n := 2
	for n*(n-1)/2 < edges {
		n++
	}
	if n*(n-1)/2 != edges {
		return 0
	}
	return n
}
