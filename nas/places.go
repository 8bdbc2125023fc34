package nas

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/safetensors"
)

// place is where a tensor of a network belongs in the weights that the networks of
// a space share: under a key that names its layer's place in the derivation, the
// operation and the tensor. Networks whose layers at a place have other sizes share
// what overlaps: of features the first ones (weight entanglement; Chen et al. 2021,
// AutoFormer), of kernels the centre (Cai et al. 2020, Once-for-All).
type place struct {
	key     string
	view    []int // the shape by what its axes mean: the pixels and channels of an image that was flattened, the parts of a fused projection
	centred int   // how many of the first axes are aligned at their centres; the others at their beginnings
}

// places are the places of a network's tensors by their names. The output layer has
// one for every number of repetitions: what it reads are other features.
func (s *Space) places(g Genome, n *engine.Net) (map[string]place, error) {
	root := g.root.tagged("")
	var net engine.Seq
	if _, err := decode(&root, s.in, &net); err != nil {
		return nil, fmt.Errorf("network %v: %w", g.brief(), err)
	}
	m := locator{out: map[string]place{}, tensors: n.Tensors()}
	t := m.seq(net, "", featureMap{shape: s.in})
	m.layer(located{engine.Dense{Out: s.outputs, PerStep: g.root.ends(eachStep)}, "out" + m.depth}, strconv.Itoa(len(net)), t)
	return m.out, nil
}

// located is a layer that knows its place.
type located struct {
	engine.Layer
	place string
}

// tagged is the subtree with operations whose layers know their places.
func (n *node) tagged(at string) node {
	m := *n
	if n.kind == opKind {
		op := *n.op
		m.op = &op
		if build := n.op.layers; build != nil {
			op.layers = func(v []float64, in data.Shape) engine.Seq {
				layers := slices.Clone(build(v, in))
				for i, l := range layers {
					layers[i] = located{l, fmt.Sprintf("%s %s.%d", at, op.name, i)}
				}
				return layers
			}
		}
		return m
	}
	m.kids = make([]node, len(n.kids))
	for i := range n.kids {
		step := i
		if n.kind == oneOfKind {
			step = n.pick
		}
		m.kids[i] = n.kids[i].tagged(at + string("./*++-"[n.kind]) + strconv.Itoa(step))
	}
	return m
}

// featureMap is what a layer stands on: the shape of its input, and if that is an
// image or a sequence that was flattened, the shape before.
type featureMap struct {
	shape, grid data.Shape
}

// axes are the axes of the input's values.
func (t featureMap) axes() data.Shape {
	if t.grid != nil {
		return t.grid
	}
	return t.shape
}

// locator finds the places of tensors.
type locator struct {
	out     map[string]place
	tensors []safetensors.Tensor
	last    string // place of the last layer
	depth   string // of the last layer with weights: its place up to the last repetition
}

func (m *locator) seq(s engine.Seq, path string, t featureMap) featureMap {
	for i, l := range s {
		t = m.layer(l, under(path, strconv.Itoa(i)), t)
	}
	return t
}

// layer finds those of a layer, and what the next one stands on.
func (m *locator) layer(l engine.Layer, path string, t featureMap) featureMap {
	switch l := l.(type) {
	case located:
		return m.leaf(l, path, t)
	case engine.Seq:
		return m.seq(l, path, t)
	case engine.Residual:
		m.seq(l.Body, under(path, "body"), t)
		m.projection(0, path, t)
	case engine.Par:
		for i, b := range l.Branches {
			at := under(path, strconv.Itoa(i))
			m.projection(i, at, m.seq(b, at, t))
		}
	case engine.Cell:
		shapes, _ := l.Shapes(t.shape) // of a network that has been compiled
		for i, e := range l.Edges {
			at := under(path, strconv.Itoa(i))
			m.projection(i, at, m.seq(e.Body, at, featureMap{shape: shapes[e.From]}))
		}
	}
	return featureMap{shape: shapeBehind(l, t.shape)}
}

// projection finds the place of a projection, if there is one, behind the last
// layer.
func (m *locator) projection(branch int, path string, t featureMap) {
	for _, x := range m.tensors {
		if x.Name == under(path, "projection.weight") {
			m.put(x, fmt.Sprintf("%s projection.%d", m.last, branch), "weight", engine.Dense{}, t)
		}
	}
}

func (m *locator) leaf(l located, path string, t featureMap) featureMap {
	m.last = l.place
	for _, x := range m.tensors {
		if own, ok := strings.CutPrefix(x.Name, path+"."); ok {
			m.put(x, l.place, own, l.Layer, t)
			m.depth, _, _ = strings.Cut(l.place, " ")
			if i := strings.LastIndexByte(m.depth, '*'); i >= 0 {
				m.depth = m.depth[:i+1+len(numeral(m.depth[i+1:]))]
			}
		}
	}
	out := shapeBehind(l, t.shape)
	switch l.Layer.(type) {
	case engine.Flatten:
		if len(t.shape) > 1 {
			return featureMap{out, t.shape}
		}
		return t
	case engine.BatchNorm, engine.LayerNorm, engine.GroupNorm, engine.Dropout,
		engine.ReLU, engine.LeakyReLU, engine.GELU, engine.SiLU, engine.Tanh, engine.Sigmoid,
		engine.Clip, engine.HardSigmoid, engine.HardSwish:
		return t
	}
	return featureMap{shape: out}
}

// put notes the place of a tensor of a layer.
func (m *locator) put(x safetensors.Tensor, at, own string, l engine.Layer, t featureMap) {
	p := place{view: x.Shape}
	last := len(x.Shape) - 1
	switch _, dense := l.(engine.Dense); {
	case last == 3:
		p.centred = 2
	case last == 2:
		p.centred = 1
	case dense && last == 1 && x.Shape[0] == t.axes().Size():
		p.view = append(slices.Clone(t.axes()), x.Shape[1])
	case !dense && last == 0 && t.grid != nil && x.Shape[0] == t.grid.Size():
		p.view = t.grid
	}
	if fused(l, own) {
		p.view = append(slices.Clone(x.Shape[:last]), 3, x.Shape[last]/3)
	}
	p.key = fmt.Sprintf("%s %s %d", at, own, len(p.view))
	m.out[x.Name] = p
}

// fused reports whether the outputs of a tensor are three parts: queries, keys and
// values, or gates.
func fused(l engine.Layer, own string) bool {
	switch l.(type) {
	case engine.Attention, engine.Transformer:
		return strings.Contains(own, "qkv.")
	case engine.GRU:
		return true
	}
	return false
}

// numeral is the digits that a text begins with.
func numeral(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

// under is the path of a part of the layer at a path.
func under(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// shapeBehind is the shape behind a layer of a network that has been compiled.
func shapeBehind(l engine.Layer, in data.Shape) data.Shape {
	out, err := l.Infer(in)
	if err != nil {
		panic("nas: a compiled network does not fit its shapes: " + err.Error())
	}
	return out
}
