package quant

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
)

// builder makes the graph of a network whose batch norms are folded.
type builder struct {
	graph
	tensors map[string][]float32
	keep    []string // patterns of layers that stay in float32
	used    []bool
}

// build makes the graph; tensors are those of the network.
func build(l engine.Layer, in data.Shape, tensors map[string][]float32, keep []string) (*graph, error) {
	b := &builder{tensors: tensors, keep: keep, used: make([]bool, len(keep))}
	y, err := b.layer(l, "", b.value(in, floats))
	if err != nil {
		return nil, err
	}
	for i, p := range keep {
		if !b.used[i] {
			return nil, fmt.Errorf("no layer's path is %q", p)
		}
	}
	b.result = y
	b.settle()
	return &b.graph, nil
}

func (b *builder) value(s data.Shape, f form) int {
	b.values = append(b.values, value{shape: s, native: f, view: -1, group: len(b.values)})
	return len(b.values) - 1
}

// root is the value that holds what a value shows.
func (b *builder) root(v int) int {
	if r := b.values[v].view; r >= 0 {
		return r
	}
	return v
}

// as is a value with another shape.
func (b *builder) as(v int, s data.Shape) int {
	out := b.value(s, b.values[v].native)
	b.values[out].view = b.root(v)
	return out
}

func (b *builder) add(s *step, shape data.Shape, f form) int {
	s.out = b.value(shape, f)
	b.steps = append(b.steps, s)
	return s.out
}

// title is a layer's path and name.
func title(at string, l engine.Layer) string { return strings.TrimSpace(at + " " + l.String()) }

func inside(at, name string) string { return strings.Trim(at+"."+name, ".") }

// kept reports whether a layer stays in float32, by its path or one around it.
func (b *builder) kept(at string) (kept bool) {
	for i, p := range b.keep {
		for part := at; part != ""; part = part[:max(strings.LastIndexByte(part, '.'), 0)] {
			if ok, _ := path.Match(p, part); ok {
				b.used[i], kept = true, true
			}
		}
	}
	return kept
}

// layer adds the steps of a layer at a path and returns its output.
func (b *builder) layer(l engine.Layer, at string, x int) (int, error) {
	out, err := l.Infer(b.values[x].shape)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", title(at, l), err)
	}
	kept := b.kept(at)
	switch l := l.(type) {
	case engine.Seq:
		return b.seq(l, at, x)
	case engine.Transformer:
		return b.seq(l.Layers(b.values[x].shape[1]), at, x)
	case engine.Dropout:
		return x, nil
	case engine.Flatten, engine.Reshape:
		return b.as(x, out), nil
	case engine.Residual:
		return b.residual(l, at, x, out)
	case engine.Par:
		return b.par(l, at, x, out)
	case engine.Dense, engine.Conv, engine.Conv1D:
		if !kept && !gapped(l) {
			return b.product(l, at, x, out)
		}
	case engine.MaxPool:
		if _, square := l.Square(); square && b.coded(x) {
			s := &step{kind: maxStep, name: title(at, l), path: at, in: []int{x}, layer: l, g: pooling(b.values[x].shape, out, l.Size)}
			y := b.add(s, out, codes)
			b.unite(y, x)
			return y, nil
		}
	case engine.AvgPool:
		if b.coded(x) {
			return b.add(&step{kind: meanStep, name: title(at, l), path: at, in: []int{x}, layer: l, g: pooling(b.values[x].shape, out, l.Size)}, out, codes), nil
		}
	case engine.GlobalAvgPool:
		if b.coded(x) {
			s := b.values[x].shape
			g := pooling(s, s, 1)
			g.kh, g.kw, g.oh, g.ow = g.h, g.w, 1, 1
			return b.add(&step{kind: meanStep, name: title(at, l), path: at, in: []int{x}, layer: l, g: g}, out, codes), nil
		}
	}
	return b.float(l, at, x, out), nil
}

// gapped reports whether the pixels of a convolution's windows are apart: there is no
// product in integers for it.
func gapped(l engine.Layer) bool {
	c, ok := l.(engine.Conv)
	return ok && (c.Dilation > 1 || c.Columns.Dilation > 1)
}

// coded reports whether a value is codes by nature, or may be at no loss.
func (b *builder) coded(x int) bool { return b.values[b.root(x)].native != floats }

// float adds a step in float32.
func (b *builder) float(l engine.Layer, at string, x int, out data.Shape) int {
	return b.add(&step{kind: floatStep, name: title(at, l), path: at, in: []int{x}, layer: l}, out, floats)
}

// seq adds layers one behind the other; a ReLU behind a product or a sum is part of it.
func (b *builder) seq(s engine.Seq, at string, x int) (int, error) {
	for i, l := range s {
		if _, relu := l.(engine.ReLU); relu && b.rectify(x) {
			continue
		}
		var err error
		if x, err = b.layer(l, inside(at, strconv.Itoa(i)), x); err != nil {
			return 0, err
		}
	}
	return x, nil
}

// rectify makes ReLU a part of the step that has just made x, if nothing else reads it.
func (b *builder) rectify(x int) bool {
	if len(b.steps) == 0 || b.values[x].view >= 0 {
		return false
	}
	s := b.steps[len(b.steps)-1]
	if s.out != x || s.relu || s.kind != denseStep && s.kind != convStep && s.kind != sumStep {
		return false
	}
	s.relu = true
	return true
}

// product adds a Dense or a convolution.
func (b *builder) product(l engine.Layer, at string, x int, out data.Shape) (int, error) {
	s := &step{kind: denseStep, name: title(at, l), path: at, in: []int{x}, layer: l}
	w := &weights{kernel: b.tensors[inside(at, "weight")], bias: b.tensors[inside(at, "bias")], groups: 1}
	shape := b.values[x].shape
	f := codes
	switch l := l.(type) {
	case engine.Dense:
		w.segs, w.inner, w.out = 1, shape.Size(), l.Out
		if l.PerStep {
			w.inner = shape[len(shape)-1]
		}
		f = either
	case engine.Conv:
		s.kind, s.g = convStep, convolution(shape, out, l)
		w.segs, w.inner, w.out, w.groups = s.g.kh, s.g.kw*s.g.c, l.Out, s.g.groups
	case engine.Conv1D:
		s.kind, s.g = convStep, convolution1D(shape, out, l)
		w.segs, w.inner, w.out, w.groups = 1, s.g.kw*s.g.c, l.Out, s.g.groups
		if s.g.dilation > 1 {
			w.segs, w.inner = s.g.kw, s.g.c
		}
	}
	w.inner /= w.groups
	if w.segs*w.inner > mostInner { // sums might not fit
		return b.float(l, at, x, out), nil
	}
	if len(w.kernel) != w.segs*w.inner*w.out || w.bias != nil && len(w.bias) != w.out {
		return 0, fmt.Errorf("%s: %d weights are not %d × %d × %d", s.name, len(w.kernel), w.segs, w.inner, w.out)
	}
	s.w = w
	return b.add(s, out, f), nil
}

// mostInner is the largest number of products in a sum: 255·127·K < 2³⁰.
const mostInner = 33155

// branch adds a body and the projection behind it.
func (b *builder) branch(body engine.Seq, at, projection string, x int, meet func(data.Shape) data.Shape) (int, error) {
	y, err := b.seq(body, at, x)
	if err != nil {
		return 0, err
	}
	l, err := engine.Projection(b.values[y].shape, meet(b.values[y].shape))
	if l == nil || err != nil {
		return y, err
	}
	return b.layer(l, projection, y)
}

func (b *builder) residual(l engine.Residual, at string, x int, out data.Shape) (int, error) {
	to := func(data.Shape) data.Shape { return out }
	y, err := b.branch(l.Body, inside(at, "body"), "", x, to)
	if err != nil {
		return 0, err
	}
	z, err := b.branch(nil, "", inside(at, "projection"), x, to)
	if err != nil {
		return 0, err
	}
	return b.meet(sumStep, title(at, engine.Residual{}), []int{y, z}, out), nil
}

func (b *builder) par(l engine.Par, at string, x int, out data.Shape) (int, error) {
	shapes, err := l.Meet(b.values[x].shape)
	if err != nil {
		return 0, err
	}
	in := make([]int, len(l.Branches))
	for i, s := range l.Branches {
		p := inside(at, strconv.Itoa(i))
		if in[i], err = b.branch(s, p, inside(p, "projection"), x, func(data.Shape) data.Shape { return shapes[i] }); err != nil {
			return 0, err
		}
	}
	kind := sumStep
	if l.Concat {
		kind = concatStep
	}
	return b.meet(kind, title(at, engine.Par{Concat: l.Concat}), in, out), nil
}

// meet adds branches up, or lays them side by side; in floats if one of them is.
func (b *builder) meet(k kind, name string, in []int, out data.Shape) int {
	f := codes
	for _, x := range in {
		if !b.coded(x) {
			f = floats
		}
	}
	y := b.add(&step{kind: k, name: name, in: in}, out, f)
	if k == concatStep && f == codes {
		for _, x := range in {
			b.unite(y, x)
		}
	}
	return y
}

// unite gives two values the same codes.
func (b *builder) unite(x, y int) {
	x, y = b.values[b.root(x)].group, b.values[b.root(y)].group
	for i := range b.values {
		if b.values[i].group == max(x, y) {
			b.values[i].group = min(x, y)
		}
	}
}

// settle decides which forms of the values there are, by who reads them.
func (b *builder) settle() {
	for _, s := range b.steps {
		for _, x := range s.in {
			v := &b.values[b.root(x)]
			if s.kind == floatStep || (s.kind == sumStep || s.kind == concatStep) && b.values[s.out].native == floats {
				v.floating = true
			} else {
				v.coded = true
			}
		}
	}
	b.values[b.root(b.result)].floating = true
	for i := range b.values {
		if v := &b.values[i]; v.native == either {
			if v.native = floats; v.coded {
				v.native = codes
			}
		}
		switch v := &b.values[i]; v.native {
		case codes:
			v.coded = true
		case floats:
			v.floating = true
		}
	}
}
