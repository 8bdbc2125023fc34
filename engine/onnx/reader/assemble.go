package reader

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"budwood/engine"
)

// assembler writes a graph of ops as layers in rows and branches.
type assembler struct {
	tensors map[string][]float32
	built   map[*op]bool
	doms    map[*op]*dominator
}

// dominator is the op before another one through which all of it goes.
type dominator struct {
	op    *op
	depth int
}

// above is the nearest op through which all inputs of an op go.
func (a *assembler) above(o *op) *dominator {
	if a.doms == nil {
		a.doms = map[*op]*dominator{}
	}
	if d := a.doms[o]; d != nil {
		return d
	}
	if len(o.in) == 0 {
		d := &dominator{o, 0}
		a.doms[o] = d
		return d
	}
	at := o.in[0]
	for _, x := range o.in[1:] {
		y := x
		for at != y {
			if a.above(at).depth >= a.above(y).depth {
				at = a.above(at).op
			} else {
				y = a.above(y).op
			}
		}
	}
	d := &dominator{at, a.above(at).depth + 1}
	a.doms[o] = d
	return d
}

// chain is the layers from one op to another.
func (a *assembler) chain(from, to *op, path string) (engine.Seq, error) {
	var ops []*op
	for at := to; at != from; at = a.above(at).op {
		if at.kind == input {
			return nil, fmt.Errorf("branches of the graph are not nested")
		}
		ops = append(ops, at)
	}
	slices.Reverse(ops)
	seq := engine.Seq{}
	for i, o := range ops {
		l, err := a.piece(o, inside(path, strconv.Itoa(i)))
		if err != nil {
			return nil, err
		}
		seq = append(seq, l)
	}
	return seq, nil
}

func inside(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// piece is the layer of an op, with the branches that meet in it.
func (a *assembler) piece(o *op, path string) (engine.Layer, error) {
	if o.kind == layer {
		if a.built[o] {
			return nil, fmt.Errorf("%v is read by branches that are not nested: that is not read", o.node)
		}
		a.built[o] = true
		for name, t := range o.tensors {
			if t != nil {
				a.tensors[inside(path, name)] = t
			}
		}
		return o.layer, nil
	}
	from := a.above(o).op
	if !a.nested(from, o, map[*op]bool{}) {
		return a.cell(from, o, path)
	}
	if i := slices.Index(o.in, from); o.kind == sum && len(o.in) == 2 && i >= 0 && o.in[1-i] != from {
		body, err := a.chain(from, o.in[1-i], inside(path, "body"))
		return engine.Residual{Body: body}, err
	}
	p := engine.Par{Concat: o.kind == concat}
	for i, x := range o.in {
		s, err := a.chain(from, x, inside(path, strconv.Itoa(i)))
		if err != nil {
			return nil, err
		}
		p.Branches = append(p.Branches, s)
	}
	return p, nil
}

// nested reports whether the branches that meet in an op share nothing.
func (a *assembler) nested(from, o *op, seen map[*op]bool) bool {
	for _, x := range o.in {
		for at := x; at != from; at = a.above(at).op {
			if seen[at] || at.kind == input {
				return false
			}
			seen[at] = true
			if at.kind != layer && !a.nested(a.above(at).op, at, seen) {
				return false
			}
		}
	}
	return true
}

// cell is what is between two ops where branches share parts: a graph of sums.
func (a *assembler) cell(from, to *op, path string) (engine.Layer, error) {
	readers, order := map[*op]int{}, []*op{}
	seen := map[*op]bool{from: true}
	var visit func(o *op) bool
	visit = func(o *op) bool {
		if seen[o] {
			return true
		}
		seen[o] = true
		if o.kind != layer && o.kind != sum {
			return false
		}
		for _, x := range o.in {
			if readers[x]++; !visit(x) {
				return false
			}
		}
		order = append(order, o)
		return true
	}
	if !visit(to) {
		return nil, fmt.Errorf("%v: branches that are not nested meet side by side: that is not read", to.node)
	}
	number := map[*op]int{from: 0}
	for _, o := range order {
		if o.kind == sum || readers[o] > 1 || o == to {
			number[o] = len(number)
		}
	}
	c := engine.Cell{Nodes: len(number)}
	edge := func(x *op, last int, own *op) error {
		var ops []*op
		if own != nil {
			ops = append(ops, own)
		}
		for ; x != from; x = x.in[0] {
			if _, is := number[x]; is {
				break
			}
			ops = append(ops, x)
		}
		slices.Reverse(ops)
		e := engine.Edge{From: number[x], To: last}
		for i, o := range ops {
			l, err := a.piece(o, inside(inside(path, strconv.Itoa(len(c.Edges))), strconv.Itoa(i)))
			if err != nil {
				return err
			}
			e.Body = append(e.Body, l)
		}
		c.Edges = append(c.Edges, e)
		return nil
	}
	for _, o := range order {
		last, is := number[o]
		if !is {
			continue
		}
		if o.kind == layer {
			if err := edge(o.in[0], last, o); err != nil {
				return nil, err
			}
			continue
		}
		for _, x := range o.in {
			if err := edge(x, last, nil); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}
