package nas

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"budwood/search"
)

// production is a rule made ready to derive: references are resolved and every
// attribute of an operation has its dimension.
type production struct {
	kind     kind
	min, max int           // of a Repeat; of a Cell: the number of edges, twice
	op       *operation    // of an Op
	dims     []*search.Dim // of an Op: of op.attrs; nil where the attribute keeps its default
	kids     []*production
}

// kid is the production of a node's child number i.
func (p *production) kid(n *node, i int) *production {
	switch p.kind {
	case oneOfKind:
		return p.kids[n.pick]
	case repeatKind, cellKind:
		return p.kids[0]
	}
	return p.kids[i]
}

// GrammarError says which part of a grammar or of an architecture block is
// wrong.
type GrammarError struct {
	Path string // as in "grammar[1].of.out" or "limits.params"; "" is the block itself
	Err  error
}

// Error is the message, in one line.
func (e *GrammarError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

// Unwrap is what went wrong there.
func (e *GrammarError) Unwrap() error { return e.Err }

func wrong(path, format string, args ...any) error {
	return &GrammarError{path, fmt.Errorf(format, args...)}
}

// compile makes a grammar ready. The error is a [*GrammarError].
func compile(g Grammar) (*production, error) {
	c := compiler{define: g.Define, done: map[Ref]*production{}}
	for _, name := range names(g.Define) {
		if _, err := c.resolve(Ref(name), ""); err != nil {
			return nil, err
		}
	}
	p, err := c.compile(g.Root, "grammar")
	if err != nil {
		return nil, err
	}
	if n := p.largest(map[*production]int{}); n > maxNodes {
		return nil, wrong("grammar", "a network may get more than %d operations: repeat less", maxNodes)
	}
	return p, nil
}

// largest is the number of nodes of the largest derivation, or some number
// above maxNodes.
func (p *production) largest(known map[*production]int) int {
	if n, ok := known[p]; ok {
		return n
	}
	n, most := 1, 0
	for _, k := range p.kids {
		m := k.largest(known)
		n, most = min(n+m, maxNodes+1), max(most, m)
	}
	switch p.kind {
	case oneOfKind:
		n = 1 + most
	case repeatKind, cellKind:
		n = 1 + p.max*most
	}
	known[p] = min(n, maxNodes+1)
	return known[p]
}

// compiler turns rules into productions.
type compiler struct {
	define map[string]Rule
	done   map[Ref]*production
	open   []Ref // being compiled, to find rules that refer to themselves
}

const (
	maxRepeat = 1000
	maxCell   = 12     // nodes of one cell
	maxNodes  = 10_000 // of a derivation
)

func (c *compiler) compile(r Rule, path string) (*production, error) {
	switch r := r.(type) {
	case Seq:
		return c.several(seqKind, r, path, func(i int) string { return fmt.Sprintf("%s[%d]", path, i) })
	case OneOf:
		if len(r) == 0 {
			return nil, wrong(join(path, "oneof"), "needs at least one rule")
		}
		return c.several(oneOfKind, r, path, func(i int) string { return fmt.Sprintf("%s[%d]", join(path, "oneof"), i) })
	case Par:
		kind, key := addKind, "add"
		if r.Concat {
			kind, key = concatKind, "concat"
		}
		if len(r.Branches) == 0 {
			return nil, wrong(join(path, key), "needs at least one branch")
		}
		return c.several(kind, r.Branches, path, func(i int) string { return fmt.Sprintf("%s[%d]", join(path, key), i) })
	case Repeat:
		if r.Min < 0 || r.Max < r.Min || r.Max > maxRepeat {
			return nil, wrong(join(path, "repeat"), "[%d, %d] is not a range within 0 to %d", r.Min, r.Max, maxRepeat)
		}
		p, err := c.several(repeatKind, []Rule{r.Of}, path, func(int) string { return join(path, "of") })
		if err == nil {
			p.min, p.max = r.Min, r.Max
		}
		return p, err
	case Cell:
		if r.Nodes < 2 || r.Nodes > maxCell {
			return nil, wrong(join(path, "cell"), "%d nodes are not from 2 to %d", r.Nodes, maxCell)
		}
		p, err := c.several(cellKind, []Rule{r.Edge}, path, func(int) string { return join(path, "edge") })
		if err == nil {
			p.min = r.Nodes * (r.Nodes - 1) / 2
			p.max = p.min
		}
		return p, err
	case Op:
		return compileOp(r, path)
	case Ref:
		return c.resolve(r, path)
	}
	return nil, wrong(path, "a rule is missing")
}

func (c *compiler) several(k kind, rules []Rule, path string, at func(int) string) (*production, error) {
	p := &production{kind: k, kids: make([]*production, len(rules))}
	for i, r := range rules {
		var err error
		if p.kids[i], err = c.compile(r, at(i)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (c *compiler) resolve(r Ref, path string) (*production, error) {
	if p := c.done[r]; p != nil {
		return p, nil
	}
	rule, ok := c.define[string(r)]
	if !ok {
		return nil, wrong(join(path, "ref"), "%s is not defined; define has %s", search.Quoted(string(r)), search.Brief(fmt.Sprint(names(c.define)), 200))
	}
	if slices.Contains(c.open, r) {
		return nil, wrong(join(path, "ref"), "%q refers to itself; use repeat instead", string(r))
	}
	c.open = append(c.open, r)
	p, err := c.compile(rule, join("define", string(r)))
	c.open = c.open[:len(c.open)-1]
	c.done[r] = p
	return p, err
}

func compileOp(r Op, path string) (*production, error) {
	o := operationNamed(r.Name)
	if o == nil {
		return nil, wrong(join(path, "op"), "%s is not an operation; known are %v", search.Quoted(r.Name), Operations())
	}
	p := &production{kind: opKind, op: o, dims: make([]*search.Dim, len(o.attrs))}
	for _, q := range r.Attrs {
		if q == nil || q.Dim() == nil {
			return nil, wrong(path, "%s: an attribute is nil", o.name)
		}
		d := q.Dim()
		i := o.index(d.Name)
		if i < 0 {
			return nil, wrong(join(path, d.Name), "is not an attribute of %v", o)
		}
		if p.dims[i] != nil {
			return nil, wrong(join(path, d.Name), "stands twice")
		}
		if err := checkDim(&o.attrs[i], d); err != nil {
			return nil, wrong(join(path, d.Name), "%w", err)
		}
		p.dims[i] = d
	}
	for i, a := range o.attrs {
		if p.dims[i] == nil && a.def < a.lo {
			return nil, wrong(path, "%s needs %s", o.name, a.name)
		}
	}
	return p, nil
}

// checkDim reports whether every value of a dimension is one of the attribute.
func checkDim(a *attribute, d *search.Dim) error {
	if err := (search.Space{d}).Validate(); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), d.Name+": "))
	}
	switch d.Kind {
	case search.KindChoice:
		for _, o := range d.Options {
			if len(o.Space) > 0 {
				return fmt.Errorf("an attribute has no branches; use oneof")
			}
			if _, err := a.check(o.Value); err != nil {
				return err
			}
		}
		return nil
	case search.KindFloat:
		if !a.fraction {
			return fmt.Errorf("is a whole number: write int instead of float")
		}
	}
	if _, err := a.check(d.Lo); err != nil {
		return err
	}
	_, err := a.check(d.Hi)
	return err
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	//workflowcheck:ignore sorted below
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
