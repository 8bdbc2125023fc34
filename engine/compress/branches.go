package compress

import (
	"reflect"
	"strconv"

	"budwood/data"
	"budwood/engine"
)

// branch is one of the values that meet in a sum or a concatenation.
type branch struct {
	body    built
	now     data.Shape   // of what the body gives
	project engine.Layer // behind it; nil: nothing
	weights built        // of the projection
}

// branch goes through a body and the projection that brings it to a shape.
func (w *walk) branch(body engine.Seq, at, projection string, x value, meet func(data.Shape) data.Shape) (br branch, y value, err error) {
	if br.body, y, err = w.seq(body, at, x); err != nil {
		return br, y, err
	}
	br.now = w.now(y)
	l, err := engine.Projection(y.shape, meet(y.shape))
	if l == nil || err != nil {
		return br, y, err
	}
	br.weights, y, err = w.linear(l, projection, y, nil, false)
	br.project = br.weights.layer
	return br, y, err
}

// implied reports whether the network has the same projection without being told, if
// the branch meets the others in a shape.
func (br *branch) implied(meet data.Shape) bool {
	l, err := engine.Projection(br.now, meet)
	return err == nil && reflect.DeepEqual(l, br.project)
}

// write adds the branch's tensors under a name and returns its layers. The projection
// is one of them if it is not implied.
func (br *branch) write(b *built, name string, implied bool) engine.Seq {
	s := br.body.layer.(engine.Seq)
	b.put(name, br.body)
	switch {
	case br.project == nil:
	case implied:
		b.put(inside(name, "projection"), br.weights)
	default:
		b.put(inside(name, strconv.Itoa(len(s))), br.weights)
		s = append(s, br.project)
	}
	return s
}

// add unites values that are added up.
func (w *walk) add(to *value, v value) {
	w.join(to.el, v.el)
	sum := made(v.shape, to.el)
	for i := range sum.rest {
		sum.rest[i] = to.rest[i] + v.rest[i]
	}
	*to = sum
}

// residual goes through a residual connection. Where its projection would be another
// one after the cut, it becomes a sum with the projection written down.
func (w *walk) residual(l engine.Residual, at string, x value) (b built, y value, err error) {
	out, err := l.Body.Infer(x.shape)
	if err != nil {
		return b, x, err
	}
	to := func(data.Shape) data.Shape { return out }
	body, y, err := w.branch(l.Body, inside(at, "body"), "", x, to)
	if err != nil {
		return b, x, err
	}
	short, z, err := w.branch(nil, "", inside(at, "projection"), x, to)
	if err != nil {
		return b, x, err
	}
	w.add(&y, z)
	if short.implied(body.now) {
		b.put("body", body.body)
		b.put("projection", short.weights)
		b.layer = engine.Residual{Body: body.body.layer.(engine.Seq)}
		return b, y, nil
	}
	b.layer = engine.Par{Branches: []engine.Seq{body.write(&b, "0", false), short.write(&b, "1", false)}}
	return b, y, nil
}

// par goes through parallel branches.
func (w *walk) par(l engine.Par, at string, x value) (b built, y value, err error) {
	meet, err := l.Meet(x.shape)
	if err != nil {
		return b, x, err
	}
	branches := make([]branch, len(l.Branches))
	for i, s := range l.Branches {
		var z value
		path := inside(at, strconv.Itoa(i))
		if branches[i], z, err = w.branch(s, path, inside(path, "projection"), x, func(data.Shape) data.Shape { return meet[i] }); err != nil {
			return b, x, err
		}
		switch {
		case i == 0:
			y = z
		case l.Concat:
			y.el, y.rest = append(y.el[:len(y.el):len(y.el)], z.el...), append(y.rest[:len(y.rest):len(y.rest)], z.rest...)
			y.shape = append(data.Shape{}, y.shape...)
			y.shape[len(y.shape)-1] += channels(z.shape)
		default:
			w.add(&y, z)
		}
	}
	now := engine.Par{Concat: l.Concat}
	for i := range branches {
		now.Branches = append(now.Branches, branches[i].body.layer.(engine.Seq))
	}
	implied := true
	meets, err := now.Meet(w.now(x))
	for i := range branches {
		implied = implied && err == nil && branches[i].implied(meets[i])
	}
	for i := range branches {
		now.Branches[i] = branches[i].write(&b, strconv.Itoa(i), implied)
	}
	b.layer = now
	return b, y, nil
}

// cell goes through a graph of a few nodes.
func (w *walk) cell(l engine.Cell, at string, x value) (b built, y value, err error) {
	shapes, err := l.Shapes(x.shape)
	if err != nil {
		return b, x, err
	}
	nodes := make([]value, l.Nodes)
	nodes[0] = x
	branches := make([]branch, len(l.Edges))
	for node := 1; node < l.Nodes; node++ {
		for i, e := range l.Edges {
			if e.To != node {
				continue
			}
			path := inside(at, strconv.Itoa(i))
			var z value
			if branches[i], z, err = w.branch(e.Body, path, inside(path, "projection"), nodes[e.From], func(data.Shape) data.Shape { return shapes[node] }); err != nil {
				return b, x, err
			}
			if nodes[node].el == nil {
				nodes[node] = z
			} else {
				w.add(&nodes[node], z)
			}
		}
	}
	now := engine.Cell{Nodes: l.Nodes}
	for i, e := range l.Edges {
		now.Edges = append(now.Edges, engine.Edge{From: e.From, To: e.To, Body: branches[i].body.layer.(engine.Seq)})
	}
	implied := true
	meets, err := now.Shapes(w.now(x))
	for i, e := range l.Edges {
		implied = implied && err == nil && branches[i].implied(meets[e.To])
	}
	for i := range branches {
		now.Edges[i].Body = branches[i].write(&b, strconv.Itoa(i), implied)
	}
	b.layer = now
	return b, nodes[l.Nodes-1], nil
}

// fpn goes through a feature pyramid: its levels have the same number of channels
// everywhere, so that lateral and output layers are one set.
func (w *walk) fpn(l engine.FPN, at string, x value, shape data.Shape) (b built, y value, err error) {
	el := w.fresh(title(at, l), l.Out, 1)
	now := engine.FPN{Out: len(w.places(el)), Pool: l.Pool, Stages: make([]engine.Seq, len(l.Stages))}
	for i, s := range l.Stages {
		var stage built
		path := strconv.Itoa(i)
		if stage, x, err = w.seq(s, inside(at, path), x); err != nil {
			return b, x, err
		}
		b.put(path, stage)
		now.Stages[i] = stage.layer.(engine.Seq)
		if _, err := w.part(&b, inside(path, "lateral"), engine.Conv{Out: l.Out, Kernel: 1}, at, x, el); err != nil {
			return b, x, err
		}
		if l.Pool || i == 0 {
			name, level := inside(path, "output"), x.shape[:2:2]
			if l.Pool { // it is in a sequence with the pooling
				name = inside(name, "0")
			}
			if _, err := w.part(&b, name, engine.Conv{Out: l.Out}, at, made(append(level, l.Out), el), el); err != nil {
				return b, x, err
			}
		}
		if i == 0 {
			y = made(shape, el)
			continue
		}
		if l.Pool {
			y.el = append(y.el[:len(y.el):len(y.el)], el...)
		}
	}
	b.layer = now
	return b, made(shape, y.el), nil
}
