package compress

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
)

// walk goes through the layers of a network. Without kept it finds out which channels
// hang together; with it, it makes the network that is left of those that are kept.
// Elements have the same numbers each time.
type walk struct {
	union
	count   int // elements so far
	sources []source
	members []member
	evens   []even
	locks   []lock
	protect []string // patterns
	used    []bool   // of the patterns

	kept  []bool               // by root; nil: all
	old   map[string][]float32 // tensors; nil: the layers alone
	mean  bool                 // means stand for channels that are cut
	means map[string][]float64 // of what weights multiply, by their name
	shift []float32            // what the batch norm that comes next must take off
}

// source is a layer whose output begins a set of channels.
type source struct {
	name string
	el   []int
	each int // features of one of them: more than 1 of heads
}

// member is a tensor with an axis of elements.
type member struct {
	tensor string
	el     []int
	kind   kind
	reads  product // of a reader: the axis of inputs, of which el are all
}

// at is the place on the axis of elements of a value of the tensor.
func (m *member) at(i int) int {
	if m.kind != reader {
		return i % len(m.el) // the axis is the last one
	}
	per, perOut := len(m.el)/m.reads.groups, m.reads.out/m.reads.groups
	return i%m.reads.out/perOut*per + i/m.reads.out%per
}

// kind is what a member is to its channels.
type kind int

const (
	kernel kind = iota // weights that make them
	reader             // weights that multiply them
	bias
	scale // γ of a norm, right before its β
	shift
	position // vectors of positions
)

// even is blocks of channels of a layer, from each of which the same number must go.
type even struct {
	layer  string
	blocks [][]int
}

// lock is elements that are never cut.
type lock struct {
	el  []int
	why string
}

// fresh makes the elements of a layer's output.
func (w *walk) fresh(name string, n, each int) []int {
	el := make([]int, n)
	for i := range el {
		el[i] = w.count + i
	}
	w.count += n
	w.grow(w.count)
	if w.kept == nil {
		w.sources = append(w.sources, source{name, el, each})
	}
	return el
}

// join unites two lists of elements place by place.
func (w *walk) join(a, b []int) {
	if w.kept == nil {
		for i := range a {
			w.unite(a[i], b[i])
		}
	}
}

func (w *walk) lock(el []int, why string) {
	if w.kept == nil && len(el) > 0 {
		w.locks = append(w.locks, lock{slices.Clone(el), why})
	}
}

// touch says that tensors of a layer depend on elements.
func (w *walk) touch(at string, el ...[]int) {
	if w.kept != nil {
		return
	}
	for i, p := range w.protect {
		for part := at; ; part = part[:max(strings.LastIndexByte(part, '.'), 0)] {
			if ok, _ := path.Match(p, part); ok && part != "" {
				w.used[i] = true
				for _, e := range el {
					w.lock(e, fmt.Sprintf("%s is protected by %q", at, p))
				}
			}
			if !strings.Contains(part, ".") {
				break
			}
		}
	}
}

// member says that the last axis of a tensor belongs to elements.
func (w *walk) member(tensor string, k kind, el []int) {
	if w.kept == nil {
		w.members = append(w.members, member{tensor: tensor, el: el, kind: k})
	}
}

// reader says that the axis of inputs of weights belongs to elements.
func (w *walk) reader(tensor string, p product, el []int) {
	if w.kept == nil {
		w.members = append(w.members, member{tensor, el, reader, p})
	}
}

func (w *walk) even(layer string, blocks [][]int) {
	if w.kept == nil {
		w.evens = append(w.evens, even{layer, blocks})
	}
}

// keeps reports whether an element is kept.
func (w *walk) keeps(e int) bool { return w.kept == nil || w.kept[w.root(e)] }

// places are those on an axis whose elements are kept.
func (w *walk) places(el []int) []int {
	out := make([]int, 0, len(el))
	for i, e := range el {
		if w.keeps(e) {
			out = append(out, i)
		}
	}
	return out
}

// cuts reports whether some of the elements go.
func (w *walk) cuts(el []int) bool { return len(w.places(el)) < len(el) }

// now is the shape of a value after the cut.
func (w *walk) now(v value) data.Shape {
	s := slices.Clone(v.shape)
	s[len(s)-1] = len(w.places(v.el))
	return s
}

// cut is a tensor that ends in axes of elements, without those that go; the axes
// before stay.
func (w *walk) cut(name string, axes ...[]int) []float32 {
	t := w.old[name]
	size := 1
	for _, el := range axes {
		size *= len(el)
	}
	if size == 0 {
		return nil
	}
	var out []float32
	for ; len(t) > 0; t = t[size:] {
		out = w.pick(out, t[:size], axes)
	}
	return out
}

func (w *walk) pick(to, t []float32, axes [][]int) []float32 {
	if len(axes) == 0 {
		return append(to, t...)
	}
	stride := len(t) / len(axes[0])
	for i, e := range axes[0] {
		if w.keeps(e) {
			to = w.pick(to, t[i*stride:(i+1)*stride], axes[1:])
		}
	}
	return to
}

// take adds tensors of a layer that end in axes of elements to what is built, if
// there are tensors.
func (w *walk) take(b *built, at, name string, axes ...[]int) {
	if _, ok := w.old[inside(at, name)]; ok {
		b.put(name, built{tensors: map[string][]float32{"": w.cut(inside(at, name), axes...)}})
	}
}

// title is a layer's path and name.
func title(at string, l engine.Layer) string { return strings.TrimSpace(at + " " + l.String()) }

// layer goes through one layer at a path; norm says that a batch norm is right behind it.
func (w *walk) layer(l engine.Layer, at string, x value, norm bool) (built, value, error) {
	shape, err := l.Infer(x.shape)
	if err != nil {
		return built{}, x, fmt.Errorf("%s: %w", title(at, l), err)
	}
	switch l := l.(type) {
	case engine.Seq:
		return w.seq(l, at, x)
	case engine.Dense, engine.Conv, engine.Conv1D:
		return w.linear(l, at, x, nil, norm)
	case engine.BatchNorm, engine.LayerNorm, engine.GroupNorm:
		return w.norm(l, at, x)
	case engine.Residual:
		return w.residual(l, at, x)
	case engine.Par:
		return w.par(l, at, x)
	case engine.Cell:
		return w.cell(l, at, x)
	case engine.FPN:
		return w.fpn(l, at, x, shape)
	case engine.Transformer:
		return w.transformer(l, at, x)
	case engine.Attention:
		return w.attention(l, at, x)
	case engine.GRU:
		return w.gru(l, at, x, shape)
	case engine.SqueezeExcite:
		return w.squeeze(l, at, x)
	case engine.Embedding:
		w.lock(x.el, "tokens")
		el := w.fresh(title(at, l), l.Out, 1)
		w.touch(at, el)
		w.member(inside(at, "weight"), kernel, el)
		b := built{layer: engine.Embedding{Vocab: l.Vocab, Out: len(w.places(el)), Init: l.Init}}
		w.take(&b, at, "weight", el)
		return b, made(shape, el), nil
	case engine.ClassToken:
		return w.token(l, at, x, shape)
	case engine.Positional:
		return w.positional(l, at, x)
	case engine.Flatten:
		return built{layer: l}, x.flat(), nil
	case engine.Reshape:
		return w.reshape(l, x)
	case engine.Dropout, engine.MaxPool, engine.AvgPool, engine.GlobalAvgPool, engine.GlobalMaxPool, engine.LastStep, engine.Upsample:
		return built{layer: l}, x.as(shape), nil
	}
	if f, ok := activation(l); ok {
		y := x.as(shape)
		y.rest = make([]float32, len(x.rest))
		for i, c := range x.rest {
			y.rest[i] = f(c)
		}
		return built{layer: l}, y, nil
	}
	return built{}, x, fmt.Errorf("%s: it is not known how its channels hang together", title(at, l))
}

// seq goes through layers in a row.
func (w *walk) seq(s engine.Seq, at string, x value) (b built, y value, err error) {
	out := make(engine.Seq, len(s))
	for i, l := range s {
		norm := false
		if i+1 < len(s) {
			_, norm = s[i+1].(engine.BatchNorm)
		}
		var part built
		if part, x, err = w.layer(l, inside(at, strconv.Itoa(i)), x, norm); err != nil {
			return b, x, err
		}
		out[i] = part.layer
		b.put(strconv.Itoa(i), part)
	}
	if b.layer = out; len(s) == 0 {
		b.layer = s
	}
	return b, x, nil
}

// transformer goes through the layers of a block, and writes the block again if
// only its inner width has changed.
func (w *walk) transformer(l engine.Transformer, at string, x value) (built, value, error) {
	d := channels(x.shape)
	b, y, err := w.seq(l.Layers(d), at, x)
	if err != nil {
		return b, y, err
	}
	if channels(w.now(x)) != d {
		return b, y, nil
	}
	inner := l
	inner.Hidden = innerWidth(b.layer.(engine.Seq))
	for _, block := range []engine.Transformer{l, inner} {
		if reflect.DeepEqual(b.layer, block.Layers(d)) {
			b.layer = block
			break
		}
	}
	return b, y, nil
}

// innerWidth is the size of the first Dense in a block.
func innerWidth(s engine.Seq) int {
	for _, part := range s {
		r, ok := part.(engine.Residual)
		if !ok {
			continue
		}
		for _, l := range r.Body {
			if d, ok := l.(engine.Dense); ok {
				return d.Out
			}
		}
	}
	return 0
}

// reshape unites the channels that come to lie on each other.
func (w *walk) reshape(l engine.Reshape, x value) (built, value, error) {
	n, c := x.shape.Size(), channels(l.To)
	y := value{l.To, make([]int, c), make([]float32, c)}
	for p := range n {
		i, j := p%len(x.el), p%c
		if p < c {
			y.el[j], y.rest[j] = x.el[i], x.rest[i]
			continue
		}
		w.join(y.el[j:j+1], x.el[i:i+1])
		if y.rest[j] != x.rest[i] {
			w.lock(y.el[j:j+1], fmt.Sprintf("%v puts channels of different constants on each other", l))
		}
	}
	to := slices.Clone(l.To)
	to[len(to)-1] = len(w.places(y.el))
	return built{layer: engine.Reshape{To: to}}, y, nil
}
