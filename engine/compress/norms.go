package compress

import (
	"cmp"
	"fmt"
	"slices"

	"budwood/data"
	"budwood/engine"
)

// norm goes through a norm: γ, β and statistics are of its channels. A layer or group
// norm takes cut channels for zeros, whose number its field Of keeps.
func (w *walk) norm(l engine.Layer, at string, x value) (built, value, error) {
	w.touch(at, x.el)
	w.member(inside(at, "weight"), scale, x.el)
	w.member(inside(at, "bias"), shift, x.el)
	b := built{layer: l}
	for _, name := range []string{"weight", "bias", "running_mean", "running_var"} {
		w.take(&b, at, name, x.el)
	}
	n := len(x.el)
	switch l := l.(type) {
	case engine.BatchNorm:
		if w.shift != nil && b.tensors != nil {
			for i, s := range w.these(w.shift, x.el) {
				b.tensors["running_mean"][i] -= s
			}
		}
		w.shift = nil
	case engine.LayerNorm:
		w.zeros(l, at, x)
		if w.cuts(x.el) {
			b.layer = engine.LayerNorm{Of: cmp.Or(l.Of, n), Eps: l.Eps}
		}
	case engine.GroupNorm:
		w.zeros(l, at, x)
		groups := l.GroupsOf(n)
		per := n / groups
		if per == 1 {
			if w.cuts(x.el) {
				b.layer = engine.GroupNorm{Groups: len(w.places(x.el)), Of: l.Of, Eps: l.Eps}
			}
			break
		}
		blocks := slices.Collect(slices.Chunk(x.el, per))
		w.even(title(at, l), blocks)
		if err := w.isEven(title(at, l), blocks); err != nil {
			return b, x, err
		}
		if w.cuts(x.el) {
			b.layer = engine.GroupNorm{Groups: groups, Of: cmp.Or(l.Of, per), Eps: l.Eps}
		}
	}
	if len(w.places(x.el)) == 0 {
		return b, x, fmt.Errorf("%s: no channel would be left", title(at, l))
	}
	return b, made(x.shape, x.el), nil
}

// zeros keeps channels of which something other than 0 would be left: the statistics
// of the norm would miss it.
func (w *walk) zeros(l engine.Layer, at string, x value) {
	for i, c := range x.rest {
		if c != 0 {
			w.lock(x.el[i:i+1], fmt.Sprintf("a constant of %g would be missing in the statistics of %s", c, title(at, l)))
		}
	}
}

// token goes through a class token, a vector more.
func (w *walk) token(l engine.ClassToken, at string, x value, shape data.Shape) (built, value, error) {
	b := built{layer: l}
	w.touch(at, x.el)
	w.member(inside(at, "weight"), position, x.el)
	w.take(&b, at, "weight", x.el)
	return b, x.as(shape), nil
}

// positional goes through the vectors of positions. Sinusoids depend on the number of
// features; what is left of them is written down, and learns from now on.
func (w *walk) positional(l engine.Positional, at string, x value) (built, value, error) {
	b := built{layer: l}
	w.touch(at, x.el)
	switch {
	case l.Learned:
		w.member(inside(at, "weight"), position, x.el)
		w.take(&b, at, "weight", x.el)
	case w.cuts(x.el):
		b.layer = engine.Positional{Learned: true}
		if w.old != nil {
			table := w.pickAll(engine.Sinusoids(x.shape[0], x.shape[1]), x.el)
			b.put("weight", built{tensors: map[string][]float32{"": table}})
		}
	}
	return b, x, nil
}

// pickAll is rows of elements without those that go.
func (w *walk) pickAll(t []float32, el []int) (out []float32) {
	for ; len(t) > 0; t = t[len(el):] {
		out = w.pick(out, t[:len(el)], [][]int{el})
	}
	return out
}
