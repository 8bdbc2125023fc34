package transfer

import (
	"slices"

	"budwood/data"
	"budwood/engine"
)

// linear hands the weights of a dense layer or convolution over: output by output,
// input by input, tap by tap. Weights are laid out as {taps…, in, out}.
func (m *transfer) linear(p, c item, f featureMap) featureMap {
	a, b := windowOf(p.layer, f.was), windowOf(c.layer, f.now)
	was, now := infer(p.layer, f.was), infer(c.layer, f.now)
	if a.flat && b.flat {
		f = f.flat()
	}
	out := f.after(was, now)
	out.cut = false
	in := f.src
	if a.each && b.each {
		in, out.src, out.exact = []int{0}, f.src, f.exact
	}
	if a.odd || b.odd || a.each != b.each || a.flat != b.flat {
		out.exact = false
		return out
	}
	// An input that the parent lacks counts for nothing, if what it has is there.
	fits := a.stride == b.stride && b.taps >= a.taps && b.before >= a.before
	out.exact = out.exact && fits
	from, to := m.from[inside(p.path, "weight")], m.to[inside(c.path, "weight")]
	m.taken[to.Name] = true
	ins, outs, oldIns, oldOuts := to.Shape[len(to.Shape)-2], last(to.Shape), from.Shape[len(from.Shape)-2], last(from.Shape)
	for t := range len(to.Data) / (ins * outs) {
		s := b.tap(t, a)
		for i := range ins {
			for o := range outs {
				w := &to.Data[(t*ins+i)*outs+o]
				switch {
				case out.src[o] < 0: // a new output
				case s < 0:
					*w = 0
				case in[i] >= 0:
					*w = from.Data[(s*oldIns+in[i])*oldOuts+out.src[o]]
				case f.exact:
					*w = 0
				}
			}
		}
	}
	m.features(p, c, "bias", out.src)
	if _, had := m.from[inside(p.path, "bias")]; had {
		_, has := m.to[inside(c.path, "bias")]
		out.exact = out.exact && has
	}
	return out
}

// window is what a linear layer sees of its input.
type window struct {
	taps, dims     int // along a side; sides
	before, stride int
	flat           bool // the layer flattens its input
	each           bool // each feature by itself
	odd            bool // one that is not handled
}

func windowOf(l engine.Layer, in data.Shape) window {
	switch l := l.(type) {
	case engine.Dense:
		return window{taps: 1, stride: 1, flat: !l.PerStep}
	case engine.Conv:
		k, g := max(l.Kernel, 0), max(l.Groups, 1)
		if k == 0 {
			k = 3
		}
		each := g > 1 && g == last(in) && g == l.Out
		return window{taps: k, dims: 2, before: (k - 1) / 2, stride: max(l.Stride, 1), each: each, odd: l.Valid || g > 1 && !each || special(l)}
	case engine.Conv1D:
		k := l.Kernel
		if k == 0 {
			k = 3
		}
		s := max(l.Stride, 1)
		before := max((infer(l, in)[0]-1)*s+k-in[0], 0) / 2
		return window{taps: k, dims: 1, before: before, stride: s, odd: l.Valid || l.Causal || l.Dilation > 1 || l.Groups > 1 || l.Before+l.After > 0}
	}
	return window{odd: true}
}

// special reports whether a convolution's kernel is not square, has gaps, or has a padding
// of its own.
func special(l engine.Conv) bool {
	return l.Dilation > 1 || l.Columns != (engine.Along{}) || l.Pad != (engine.Pad{})
}

// tap is the number of the other window's tap at the place of tap t, or -1.
func (w window) tap(t int, other window) int {
	s, size := 0, 1
	for range w.dims {
		x := t%w.taps - w.before + other.before
		if x < 0 || x >= other.taps {
			return -1
		}
		s += x * size
		t, size = t/w.taps, size*other.taps
	}
	return s
}

// identity makes a new linear layer hand its inputs on; false if it cannot.
func (m *transfer) identity(c item, f featureMap) (featureMap, bool) {
	w, n := windowOf(c.layer, f.now), last(f.was)
	now := infer(c.layer, f.now)
	if w.odd || w.stride != 1 || w.flat && len(f.now) > 1 || len(f.was) != len(f.now) || last(now) < n {
		return f, false
	}
	to := m.to[inside(c.path, "weight")]
	at := make([]int, n) // the child's feature of each of the parent's
	for i := range at {
		if at[i] = slices.Index(f.src, i); at[i] < 0 {
			return f, false
		}
	}
	src := f.src
	if !w.each {
		src = prefix(last(now), n)
	}
	ins, outs := to.Shape[len(to.Shape)-2], last(to.Shape)
	for t := range len(to.Data) / (ins * outs) {
		centre := w.tap(t, window{taps: 1}) == 0
		for i := range ins {
			for o, s := range src {
				if s < 0 {
					continue
				}
				x := float32(0)
				if centre && (w.each || i == at[s]) {
					x = 1
				}
				to.Data[(t*ins+i)*outs+o] = x
			}
		}
	}
	f.now, f.src = now, src
	return f, true
}
