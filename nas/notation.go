package nas

import (
	"fmt"
	"strconv"
	"strings"

	"budwood/search"
)

// MarshalText writes the derivation tree, exactly: [a b] is a Seq, {a b} a
// Repeat, 1:a the second alternative of a OneOf, (a + b) a sum, (& a b) branches side by side, <a b c> a cell
// with its edges 0→1, 0→2, 1→2, …, and conv(16,5) an operation with the values
// of its attributes in the order of [Operations], as far as they are not the
// defaults:
//
//	[{[dense(64) 1:batchnorm 0:relu] [dense(16) 0:skip 1:tanh]} dropout(0.1)]
//
// The JSON of a genome is this text.
func (g Genome) MarshalText() ([]byte, error) { return g.root.append(nil), nil }

// UnmarshalText reads what MarshalText writes. It accepts every well-formed
// tree; [Space.Check] reports whether it derives from a grammar.
func (g *Genome) UnmarshalText(text []byte) error {
	n, err := parseGenome(string(text))
	if err != nil {
		return err
	}
	g.root = n
	return nil
}

// Into puts the genome into params under [search.ArchitectureKey]: its text and
// its hash, as one string that survives JSON.
func (g Genome) Into(p search.Params) { g.into(p, nil) }

// into puts an origin between text and hash, if there is one.
func (g Genome) into(p search.Params, o *Origin) {
	b := g.root.append(nil)
	if o != nil {
		b = o.append(b)
	}
	b = append(b, hashMark...)
	p[search.ArchitectureKey] = string(append(b, g.Hash().String()...))
}

// FromParams takes the genome out of params. The hash behind its text need not
// be there.
func FromParams(p search.Params) (Genome, error) {
	text, ok := p[search.ArchitectureKey].(string)
	if !ok {
		return Genome{}, fmt.Errorf("genome: params %v have no text under %s", p, search.ArchitectureKey)
	}
	text = written(text)
	n, err := parseGenome(text)
	return Genome{n}, err
}

// written is the genome's own part of a text.
func written(text string) string {
	if i := strings.IndexAny(text, "~#"); i > 0 {
		return text[:i-1]
	}
	return text
}

// text is the genome's notation.
func (g Genome) text() string { return string(g.root.append(nil)) }

// hashMark stands between the text of a genome and its hash.
const hashMark = " #"

func (n *node) append(b []byte) []byte {
	switch n.kind {
	case opKind:
		b = append(b, n.op.name...)
		last := len(n.vals)
		for last > 0 && n.vals[last-1] == n.op.attrs[last-1].def {
			last--
		}
		for i, v := range n.vals[:last] {
			b = append(b, "(,"[min(i, 1)])
			b = strconv.AppendFloat(b, v, 'f', -1, 64)
		}
		if last > 0 {
			b = append(b, ')')
		}
		return b
	case oneOfKind:
		b = append(strconv.AppendInt(b, int64(n.pick), 10), ':')
		return n.kids[0].append(b)
	case addKind:
		return n.appendKids(b, "(", " + ", ")")
	case concatKind:
		return n.appendKids(b, "(& ", " ", ")")
	case repeatKind:
		return n.appendKids(b, "{", " ", "}")
	case cellKind:
		return n.appendKids(b, "<", " ", ">")
	}
	return n.appendKids(b, "[", " ", "]")
}

func (n *node) appendKids(b []byte, open, between, end string) []byte {
	b = append(b, open...)
	for i := range n.kids {
		if i > 0 {
			b = append(b, between...)
		}
		b = n.kids[i].append(b)
	}
	return append(b, end...)
}
