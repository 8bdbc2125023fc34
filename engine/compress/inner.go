package compress

import (
	"fmt"
	"slices"

	"budwood/data"
	"budwood/engine"
)

// part goes through a linear layer within another one, and takes its tensors.
func (w *walk) part(b *built, name string, l engine.Layer, at string, x value, out []int) (engine.Layer, error) {
	inner, _, err := w.linear(l, inside(at, name), x, out, false)
	b.put(name, inner)
	return inner.layer, err
}

// attention goes through attention: its heads are a set of their own, and its output
// belongs to the channels of its input, as everything in a residual stream.
func (w *walk) attention(l engine.Attention, at string, x value) (b built, y value, err error) {
	steps, d := x.shape[0], x.shape[1]
	width, heads := l.Width(d), max(l.Heads, 1)
	size := width / heads
	el := w.fresh(title(at, l)+" heads", heads, size)
	w.touch(at, el, x.el)
	of := make([]int, width) // the head of each feature
	for i := range of {
		of[i] = el[i/size]
	}
	kept := len(w.places(el))
	if kept == 0 {
		return b, x, fmt.Errorf("%s: no head would be left", title(at, l))
	}
	before, err := w.part(&b, "qkv", engine.Dense{Out: 3 * width, PerStep: true, NoBias: l.NoBias}, at, x, slices.Repeat(of, 3))
	if err != nil {
		return b, x, err
	}
	behind, err := w.part(&b, "out", engine.Dense{Out: d, PerStep: true, NoBias: l.NoBias}, at, made(data.Shape{steps, width}, of), x.el)
	if err != nil {
		return b, x, err
	}
	now := l
	now.Heads = kept
	if kept == heads {
		now.Heads = l.Heads
	}
	if channels(w.now(x)) != kept*size {
		now.HeadSize = size
	}
	now.NoBias = l.NoBias && before.(engine.Dense).NoBias && behind.(engine.Dense).NoBias
	if l.NoBias && !now.NoBias { // one of them has a bias now, so both have
		b.zero("qkv.bias", 3*kept*size)
		b.zero("out.bias", channels(w.now(x)))
	}
	b.layer = now
	return b, made(x.shape, x.el), nil
}

// zero adds a tensor of zeros, if there are tensors and it is not there.
func (b *built) zero(name string, n int) {
	if _, ok := b.tensors[name]; !ok && b.tensors != nil {
		b.tensors[name] = make([]float32, n)
	}
}

// gru goes through a GRU: the three gates of a unit go together, and its row of the
// weights of the state.
func (w *walk) gru(l engine.GRU, at string, x value, shape data.Shape) (b built, y value, err error) {
	el := w.fresh(title(at, l), l.Out, 1)
	gates := slices.Repeat(el, 3)
	w.touch(at, x.el, el)
	if _, err := w.part(&b, "input", engine.Dense{Out: 3 * l.Out, PerStep: true}, at, x, gates); err != nil {
		return b, x, err
	}
	w.member(inside(at, "hidden.weight"), kernel, gates)
	w.reader(inside(at, "hidden.weight"), product{1, 1, 3 * l.Out, false}, el)
	w.member(inside(at, "hidden.bias"), bias, gates)
	w.take(&b, at, "hidden.weight", el, gates)
	w.take(&b, at, "hidden.bias", gates)
	b.layer = engine.GRU{Out: len(w.places(el)), Init: l.Init}
	return b, made(shape, el), nil
}

// squeeze goes through squeeze and excitation: the width between is a set of its own.
// A constant c that is left of a channel is weighed by sigmoid(0).
func (w *walk) squeeze(l engine.SqueezeExcite, at string, x value) (b built, y value, err error) {
	c := channels(x.shape)
	layers := l.Layers(c)
	width := layers[1].(engine.Dense).Out
	el := w.fresh(title(at, l)+" width", width, 1)
	w.touch(at, x.el, el)
	if _, err := w.part(&b, "1", layers[1], at, x.as(data.Shape{c}), el); err != nil {
		return b, x, err
	}
	if _, err := w.part(&b, "3", layers[3], at, made(data.Shape{width}, el), x.el); err != nil {
		return b, x, err
	}
	b.layer = l
	if w.cuts(el) || w.cuts(x.el) {
		b.layer = engine.SqueezeExcite{Hidden: len(w.places(el)), Gate: l.Gate}
	}
	y = value{x.shape, x.el, slices.Clone(x.rest)}
	for i := range y.rest {
		y.rest[i] /= 2
	}
	return b, y, nil
}
