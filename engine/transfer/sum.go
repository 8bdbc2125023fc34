package transfer

import (
	"fmt"
	"slices"
	"strconv"

	"budwood/data"
	"budwood/engine"
)

// leg is a branch of a sum or concatenation, or an edge of a cell.
type leg struct {
	body    engine.Seq
	path    string // of the body
	project string // of the projection, where there is one
	from    int    // node of a cell
}

// legs are the branches of a layer, and the shape in which each of them meets the
// others for an input, if one is given; ok is false for layers that are no branches
// or, as a cell, meet at several nodes.
func legs(l engine.Layer, path string, in data.Shape) (out []leg, meet []data.Shape, ok bool) {
	switch l := l.(type) {
	case engine.Residual:
		out = []leg{{body: l.Body, path: inside(path, "body")}, {project: inside(path, "projection")}}
		if in != nil {
			s := infer(l.Body, in)
			meet = []data.Shape{s, s}
		}
		return out, meet, true
	case engine.Par:
		for i, b := range l.Branches {
			at := inside(path, strconv.Itoa(i))
			out = append(out, leg{body: b, path: at, project: inside(at, "projection")})
		}
		if in != nil {
			meet, _ = l.Meet(in)
		}
		return out, meet, true
	}
	return nil, nil, false
}

func concatenates(l engine.Layer) bool {
	p, ok := l.(engine.Par)
	return ok && p.Concat && len(p.Branches) > 1
}

// sum hands over the weights of parallel branches.
func (m *transfer) sum(p, c item, f featureMap) featureMap {
	ps, pm, ok := legs(p.layer, p.path, f.was)
	cs, cm, also := legs(c.layer, c.path, f.now)
	if !ok || !also {
		return m.cell(p, c, f)
	}
	a, b := concatenates(p.layer), concatenates(c.layer)
	out := m.join(ps, cs, pm, cm, []featureMap{f}, b)
	out.was, out.now = infer(p.layer, f.was), infer(c.layer, f.now)
	if a != b && len(ps) > 1 || len(out.src) != last(out.now) {
		out = out.after(out.was, out.now)
		out.exact = false
	}
	return out
}

// join brings branches together that start at nodes, side by side or in a sum.
// Each branch has the shape in which it meets the others.
func (m *transfer) join(ps, cs []leg, pm, cm []data.Shape, nodes []featureMap, side bool) featureMap {
	used, mate := make([]bool, len(ps)), make([]int, len(cs))
	for i := range cs {
		mate[i] = like(ps, cs[i], used)
	}
	at := make([]int, len(ps)+1) // of the parent's features
	for i, s := range pm {
		at[i+1] = at[i]
		if side {
			at[i+1] += last(s)
		}
	}
	out := featureMap{exact: !slices.Contains(used, false), positive: true}
	for i, c := range cs {
		k := mate[i]
		if k < 0 {
			out.positive = false
			if side {
				out.src = append(out.src, prefix(last(cm[i]), 0)...)
			} else {
				out.exact = m.hush(c, nodes[c.from].now, cm[i]) && out.exact
			}
			continue
		}
		g := m.leg(ps[k], c, pm[k], cm[i], nodes[c.from])
		out.exact, out.positive = out.exact && g.exact, out.positive && g.positive
		switch {
		case side:
			for _, s := range g.src {
				if s >= 0 {
					s += at[k]
				}
				out.src = append(out.src, s)
			}
		case out.src == nil:
			out.src = g.src
		default:
			out.exact = out.exact && slices.Equal(out.src, g.src)
		}
	}
	return out
}

// hush makes a new branch add 0.
func (m *transfer) hush(l leg, in, meet data.Shape) bool {
	if project, _ := engine.Projection(infer(l.body, in), meet); project != nil {
		m.fill(inside(l.project, "weight"), 0)
		return true
	}
	return m.silence(items(l.body, l.path))
}

// like finds the branch of the parent that is most like one of the child's, and is
// not another's yet; -1 if there is none.
func like(ps []leg, c leg, used []bool) int {
	best, most := -1, -1
	for k, p := range ps {
		if used[k] || p.from != c.from || (len(p.body) == 0) != (len(c.body) == 0) {
			continue
		}
		s := 0
		if fmt.Sprint(p.body) == fmt.Sprint(c.body) {
			s = 1
		}
		if s > most {
			best, most = k, s
		}
	}
	if best >= 0 {
		used[best] = true
	}
	return best
}

// leg hands over a branch and its projection.
func (m *transfer) leg(p, c leg, was, now data.Shape, f featureMap) featureMap {
	f.src = slices.Clone(f.src)
	f = m.walk(items(p.body, p.path), items(c.body, c.path), f)
	f.src = slices.Clone(f.src)
	a, _ := engine.Projection(f.was, was)
	b, _ := engine.Projection(f.now, now)
	switch {
	case a != nil && b != nil && likeness(a, b) > 0:
		return m.linear(item{a, p.project}, item{b, c.project}, f)
	case a == nil && b == nil:
		return f
	case a != nil:
		f = f.without(a)
	}
	if b != nil {
		f = m.insert(item{b, c.project}, f)
	}
	return f
}

// cell hands over the edges that lead from and to the same nodes in both cells.
func (m *transfer) cell(p, c item, f featureMap) featureMap {
	a, ok := p.layer.(engine.Cell)
	b, also := c.layer.(engine.Cell)
	if !ok || !also || a.Nodes != b.Nodes {
		f = f.after(infer(p.layer, f.was), infer(c.layer, f.now))
		f.exact = false
		return f
	}
	as, _ := a.Shapes(f.was)
	bs, _ := b.Shapes(f.now)
	nodes := []featureMap{f}
	for n := 1; n < a.Nodes; n++ {
		ps, pm := edges(a, n, p.path, as[n])
		cs, cm := edges(b, n, c.path, bs[n])
		at := m.join(ps, cs, pm, cm, nodes, false)
		at.was, at.now = as[n], bs[n]
		if at.src == nil {
			at = at.after(at.was, at.now)
			at.exact = false
		}
		nodes = append(nodes, at)
	}
	return nodes[a.Nodes-1]
}

// edges are the legs into a node, and its shape for each of them.
func edges(c engine.Cell, node int, path string, meet data.Shape) (out []leg, shapes []data.Shape) {
	for i, e := range c.Edges {
		if e.To == node {
			at := inside(path, strconv.Itoa(i))
			out, shapes = append(out, leg{e.Body, at, inside(at, "projection"), e.From}), append(shapes, meet)
		}
	}
	return out, shapes
}
