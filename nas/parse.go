package nas

import (
	"fmt"
	"strconv"
	"strings"

	"budwood/search"
)

// parseGenome reads the notation of [Genome.MarshalText].
func parseGenome(text string) (node, error) {
	p := parser{text: text, left: maxNodes}
	n, err := p.node(0)
	if err == nil && p.space() != 0 {
		err = p.errorf("nothing may follow")
	}
	if err != nil {
		return node{}, fmt.Errorf("genome: %w", err)
	}
	return n, nil
}

type parser struct {
	text string
	at   int
	left int // nodes that may still come
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("column %d: %s", p.at+1, fmt.Sprintf(format, args...))
}

// space skips blanks and returns the next byte, 0 at the end.
func (p *parser) space() byte {
	for p.at < len(p.text) && p.text[p.at] == ' ' {
		p.at++
	}
	return p.peek()
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// take returns the text up to the first byte that is not wanted.
func (p *parser) take(wanted string) string {
	start := p.at
	for p.at < len(p.text) && strings.IndexByte(wanted, p.text[p.at]) >= 0 {
		p.at++
	}
	return p.text[start:p.at]
}

func (p *parser) node(depth int) (node, error) {
	if p.left--; p.left < 0 || depth > maxDepth {
		return node{}, p.errorf("more than %d nodes, or nested more than %d deep", maxNodes, maxDepth)
	}
	switch c := p.space(); {
	case c == '[':
		return p.kids(seqKind, ']', depth)
	case c == '{':
		return p.kids(repeatKind, '}', depth)
	case c == '(':
		if strings.HasPrefix(p.text[p.at:], "(&") {
			p.at++
			return p.kids(concatKind, ')', depth)
		}
		return p.kids(addKind, ')', depth)
	case c == '<':
		n, err := p.kids(cellKind, '>', depth)
		if err == nil && cellNodes(len(n.kids)) == 0 {
			err = p.errorf("no cell has %d edges", len(n.kids))
		}
		return n, err
	case c >= '0' && c <= '9':
		pick, err := strconv.Atoi(p.take("0123456789"))
		if err != nil || pick > maxNodes || p.peek() != ':' {
			return node{}, p.errorf("a number needs a colon and its alternative behind it")
		}
		p.at++
		kid, err := p.node(depth + 1)
		return node{kind: oneOfKind, pick: pick, kids: []node{kid}}, err
	}
	return p.op()
}

func (p *parser) kids(k kind, end byte, depth int) (node, error) {
	n := node{kind: k}
	for p.at++; p.space() != end; {
		if k == addKind && len(n.kids) > 0 {
			if p.peek() != '+' {
				return n, p.errorf("a sum needs + between its branches")
			}
			p.at++
		}
		if p.space() == 0 {
			return n, p.errorf("%q is missing", end)
		}
		kid, err := p.node(depth + 1)
		if err != nil {
			return n, err
		}
		n.kids = append(n.kids, kid)
	}
	p.at++
	return n, nil
}

func (p *parser) op() (node, error) {
	name := p.take("abcdefghijklmnopqrstuvwxyz_0123456789") // the first is no digit, see node
	o := operationNamed(name)
	if o == nil {
		return node{}, p.errorf("%s is not an operation; known are %v", search.Quoted(name), Operations())
	}
	var vals []float64
	for c := byte('('); len(vals) < len(o.attrs) && p.peek() == c; c = ',' {
		p.at++
		text := p.take("0123456789.-")
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return node{}, p.errorf("%s: %s is not a number", name, search.Quoted(text))
		}
		if x, err = o.attrs[len(vals)].check(x); err != nil {
			return node{}, p.errorf("%s: %s: %v", name, o.attrs[len(vals)].name, err)
		}
		vals = append(vals, x)
	}
	if len(vals) > 0 {
		if p.peek() != ')' {
			return node{}, p.errorf("%v has no more attributes", o)
		}
		p.at++
	}
	for _, a := range o.attrs[len(vals):] {
		if a.def < a.lo {
			return node{}, p.errorf("%s needs %s", name, a.name)
		}
		vals = append(vals, a.def)
	}
	return node{kind: opKind, op: o, vals: vals}, nil
}
