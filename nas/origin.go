package nas

import (
	"fmt"
	"strconv"
	"strings"

	"budwood/search"
)

// Origin is where a candidate comes from. Params carry it with the genome, so
// that a study's lineage is read off its trials.
type Origin struct {
	Parents  []int  // numbers of the trials, the main one first; none of a random candidate
	Change   string // what differs from the main parent, in words: "dense out 64→96, + tanh"
	Avoided  int    // draws before this one that had been tried already
	Inherits bool   // it starts from the main parent's weights
}

// originMark stands between the text of a genome and its origin, which precedes
// the hash.
const originMark = " ~"

// OriginOf reads the origin out of params; ok is false if they carry none.
func OriginOf(p search.Params) (o Origin, ok bool) {
	text, _ := p[search.ArchitectureKey].(string)
	_, text, ok = strings.Cut(text, originMark)
	if !ok {
		return o, false
	}
	text, _, _ = strings.Cut(text, hashMark)
	head, change, _ := strings.Cut(text, ":")
	o.Change = strings.TrimSpace(change)
	for field := range strings.FieldsSeq(head) {
		n, err := strconv.Atoi(field[1:])
		switch {
		case field == "inherits":
			o.Inherits = true
		case err != nil || n < 0:
			return Origin{}, false
		case field[0] == 't':
			o.Parents = append(o.Parents, n)
		case field[0] == '!':
			o.Avoided = n
		}
	}
	return o, true
}

// append writes the origin: " ~t12 t7 !3: dense out 64→96".
func (o Origin) append(b []byte) []byte {
	b = append(b, originMark...)
	for _, p := range o.Parents {
		b = append(strconv.AppendInt(append(b, 't'), int64(p), 10), ' ')
	}
	if o.Inherits {
		b = append(b, "inherits "...)
	}
	if o.Avoided > 0 {
		b = append(strconv.AppendInt(append(b, '!'), int64(o.Avoided), 10), ' ')
	}
	return append(append(b, ": "...), o.Change...)
}

// change is one decision taken anew.
type change struct {
	what     string // "dense out", "+", "−", or "" for another alternative
	from, to string
	x, y     float64 // of an attribute
}

func (c change) String() string {
	switch {
	case c.what == "+" || c.what == "−":
		return c.what + " " + c.to
	case c.what != "":
		return fmt.Sprintf("%s %.4g→%.4g", c.what, c.x, c.y)
	}
	return c.from + "→" + c.to
}

func words(changes []change) string {
	var b strings.Builder
	for i, c := range changes {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.String())
	}
	return b.String()
}

// label names a subtree by its first operation that is a layer.
func (n *node) label() string {
	if n.kind == opKind {
		return n.op.name
	}
	for i := range n.kids {
		if l := n.kids[i].label(); l != skip && l != none {
			return l
		}
	}
	return skip
}
