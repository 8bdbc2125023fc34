package nas

import (
	"strings"

	"budwood/search"
)

// String is the network in short, without the output layer: "conv16·3 bn relu |
// pool | dense 64 relu". A bar stands before each operation that has weights or
// resizes; a sum is written (skip + conv16·3 bn).
func (g Genome) String() string {
	w := &writer{}
	w.node(&g.root)
	if w.b.Len() == 0 {
		return skip
	}
	return w.b.String()
}

// brief is the text of a genome for an error, where a large one is cut short.
func (g Genome) brief() string { return search.Brief(g.String(), 120) }

// writer joins words, with bars between the blocks of the outermost sequence.
type writer struct {
	b strings.Builder
	// inside counts the sums around: no bars in there.
	inside int
}

func (w *writer) word(s string, opens bool) {
	if w.b.Len() > 0 && !strings.HasSuffix(w.b.String(), "(") {
		if opens && w.inside == 0 {
			w.b.WriteString(" |")
		}
		w.b.WriteByte(' ')
	}
	w.b.WriteString(s)
}

func (w *writer) node(n *node) {
	switch n.kind {
	case opKind:
		if !n.op.changesNothing(n.vals) {
			w.word(n.text(), n.op.extent != nil)
		}
		return
	case addKind, concatKind, cellKind:
		w.sum(n)
		return
	}
	for i := range n.kids {
		w.node(&n.kids[i])
	}
}

// sum writes the branches of a sum, or the edges of a cell with a bar between
// its nodes.
func (w *writer) sum(n *node) {
	open := "("
	switch n.kind {
	case cellKind:
		open = "cell("
	case concatKind:
		open = "concat("
	}
	w.word(open, true)
	w.inside++
	end := 1 // of the edges into a cell's node
	for i, nodes := 0, 1; i < len(n.kids); i++ {
		if i > 0 && n.kind == cellKind && i == end {
			nodes++
			end += nodes
			w.b.WriteString(" |")
		} else if i > 0 && n.kind == concatKind {
			w.b.WriteByte(',')
		} else if i > 0 {
			w.b.WriteString(" +")
		}
		before := w.b.Len()
		w.node(&n.kids[i])
		if w.b.Len() == before {
			w.word(skip, false)
		}
	}
	w.inside--
	w.b.WriteByte(')')
}

func (n *node) text() string {
	if n.op.text == nil {
		return n.op.name
	}
	return n.op.text(n.vals)
}
