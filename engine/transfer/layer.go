package transfer

import (
	"fmt"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
)

// layer copies the weights of a layer of the parent to the layer of the child that
// is aligned with it, and returns the feature map behind both.
func (m *transfer) layer(p, c item, f featureMap) featureMap {
	was, now := infer(p.layer, f.was), infer(c.layer, f.now)
	if y, ok := activation(p.layer, c.layer, f); ok {
		return y
	}
	f.cut = false
	switch l := c.layer.(type) {
	case engine.Dense, engine.Conv, engine.Conv1D:
		return m.linear(p, c, f)
	case engine.Residual, engine.Par, engine.Cell:
		return m.sum(p, c, f)
	case engine.Transformer:
		if len(f.was) == 2 && len(f.now) == 2 {
			return m.walk(items(p.layer.(engine.Transformer).Layers(last(f.was)), p.path), items(l.Layers(last(f.now)), c.path), f)
		}
	case engine.BatchNorm:
		for _, name := range []string{"weight", "bias", "running_mean", "running_var"} {
			m.features(p, c, name, f.src)
		}
		f.was, f.now, f.positive = was, now, false
		return f
	case engine.LayerNorm, engine.GroupNorm:
		m.features(p, c, "weight", f.src)
		m.features(p, c, "bias", f.src)
		f.exact = f.same() && fmt.Sprint(p.layer) == fmt.Sprint(l)
		f.was, f.now, f.positive = was, now, false
		return f
	case engine.Flatten:
		return f.flat()
	case engine.MaxPool, engine.AvgPool, engine.GlobalAvgPool, engine.LastStep:
		f.exact = f.exact && p.layer == l
		f.was, f.now = was, now
		return f
	case engine.Reshape:
		if last(was) == last(f.was) && last(now) == last(f.now) { // the pixels of an image, or back
			f.was, f.now = was, now
			return f
		}
	}
	return m.copies(p, c, f, was, now)
}

// activation is the feature map behind a layer that works value by value and has
// no weights; false if the layer is another.
func activation(p, c engine.Layer, f featureMap) (featureMap, bool) {
	cut := f.cut
	f.cut = false
	switch c := c.(type) {
	case engine.Dropout:
		f.cut = cut
	case engine.ReLU:
		f.exact, f.positive = f.exact || cut, true
	case engine.Sigmoid, engine.HardSigmoid:
		f.positive, f.exact = true, f.exact && p == c
	case engine.Clip:
		lo, _ := c.Bounds()
		f.positive, f.exact = lo >= 0, f.exact && p == c
	case engine.LeakyReLU, engine.GELU, engine.SiLU, engine.Tanh, engine.HardSwish:
		_, leaky := c.(engine.LeakyReLU)
		f.positive = f.positive && leaky
		f.exact = f.exact && p == c
	default:
		return f, false
	}
	return f, true
}

// copies copies the tensors of a layer whose shapes are the same in both networks.
// The layer gives was in the parent, and now in the child.
func (m *transfer) copies(p, c item, f featureMap, was, now data.Shape) featureMap {
	exact := f.same() && fmt.Sprint(p.layer) == fmt.Sprint(c.layer)
	for name, t := range m.to {
		if own, ok := strings.CutPrefix(name, c.path+"."); ok {
			from, ok := m.from[inside(p.path, own)]
			if ok = ok && slices.Equal(from.Shape, t.Shape); ok {
				copy(t.Data, from.Data)
				m.taken[name] = true
			}
			exact = exact && ok
		}
	}
	f = f.after(was, now)
	f.exact = exact
	return f
}

// infer is the shape behind a layer of a network that has been compiled.
func infer(l engine.Layer, in data.Shape) data.Shape {
	out, err := l.Infer(in)
	if err != nil {
		panic("transfer: a compiled network does not fit its shapes: " + err.Error())
	}
	return out
}

// features copies what a tensor holds for each feature.
func (m *transfer) features(p, c item, name string, src []int) {
	from, ok := m.from[inside(p.path, name)]
	to, has := m.to[inside(c.path, name)]
	if !ok || !has {
		return
	}
	for i, s := range src {
		if s >= 0 && i < len(to.Data) && s < len(from.Data) {
			to.Data[i] = from.Data[s]
			m.taken[to.Name] = true
		}
	}
}

// fill sets a tensor of the child, if it has that one.
func (m *transfer) fill(name string, x float32) {
	for i := range m.to[name].Data {
		m.to[name].Data[i] = x
	}
}
