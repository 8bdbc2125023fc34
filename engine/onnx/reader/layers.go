package reader

import (
	"fmt"
	"slices"

	"budwood/data"
	"budwood/engine"
)

// add puts a layer behind an op.
func (r *reading) add(n *node, l engine.Layer, x *op, tensors map[string][]float32) (*op, error) {
	shape, err := l.Infer(x.shape)
	if err != nil {
		return nil, r.fail(n, "%v", err)
	}
	if !small(append([]int{r.batch}, shape...)) {
		return nil, r.fail(n, "%v", errLarge)
	}
	return &op{kind: layer, layer: l, tensors: tensors, in: []*op{x}, shape: shape, node: n}, nil
}

// layers is a value that a layer gives: scaled and shifted values become a batch norm.
func (r *reading) layers(v *value) (*value, error) {
	if v.c != nil {
		return nil, fmt.Errorf("a constant is no input of a layer")
	}
	if v.op.kind != expression {
		return v, nil
	}
	e := v.op
	if e.what != "scale" && e.what != "shift" {
		return nil, r.unread(e.node)
	}
	x, err := r.layers(e.args[0])
	if err != nil {
		return nil, err
	}
	width := x.op.shape[len(x.op.shape)-1]
	list := slices.Repeat([]float32{float32(e.number)}, width)
	if e.what == "scale" {
		x, err = r.scaled(e.node, x, list)
	} else {
		x, err = r.shifted(e.node, x, list)
	}
	if err != nil || v.plain() {
		return x, err
	}
	return x.moved(moved{v.dims, v.at}), nil
}

// affine puts x·a + b behind a value, with numbers for each feature: a batch norm whose
// statistics are 0 and 1.
func (r *reading) affine(n *node, v *value, a, b []float32) (*value, error) {
	variance := slices.Repeat([]float32{1 - 1e-5}, len(a))
	o, err := r.add(n, engine.BatchNorm{}, v.op, map[string][]float32{
		"weight": slices.Clone(a), "bias": slices.Clone(b), "running_mean": make([]float32, len(a)), "running_var": variance,
	})
	if err != nil {
		return nil, err
	}
	out := v.behind(o)
	out.only = v.only
	return out, nil
}

// scaled multiplies each feature.
func (r *reading) scaled(n *node, v *value, a []float32) (*value, error) {
	if o := v.op; v.only && o.kind == layer {
		switch o.layer.(type) {
		case engine.BatchNorm, engine.LayerNorm, engine.GroupNorm:
			for i, f := range a {
				o.tensors["weight"][i] *= f
				o.tensors["bias"][i] *= f
			}
			return v, nil
		}
	}
	return r.affine(n, v, a, make([]float32, len(a)))
}

// shifted adds a number to each feature.
func (r *reading) shifted(n *node, v *value, b []float32) (*value, error) {
	if o := v.op; v.only && o.kind == layer {
		name := "bias"
		switch l := o.layer.(type) {
		case engine.BatchNorm, engine.LayerNorm, engine.GroupNorm:
		case engine.Dense:
			l.NoBias = false
			o.layer = l
		case engine.Conv:
			l.NoBias = false
			o.layer = l
		case engine.Conv1D:
			l.NoBias = false
			o.layer = l
		case engine.Attention:
			if name = "out.bias"; l.NoBias {
				o.tensors["qkv.bias"] = make([]float32, 3*l.Width(len(b)))
			}
			l.NoBias = false
			o.layer = l
		default:
			return r.affine(n, v, slices.Repeat([]float32{1}, len(b)), b)
		}
		own := make([]float32, len(b))
		copy(own, o.tensors[name])
		for i, f := range b {
			own[i] += f
		}
		o.tensors[name] = own
		return v, nil
	}
	return r.affine(n, v, slices.Repeat([]float32{1}, len(b)), b)
}

// spreadOver is what a constant has for each number that a sample of the op gives;
// features says that it depends on the last axis alone, and is then as long as that.
func (r *reading) spreadOver(v *value, t *tensor) (list []float32, features, ok bool) {
	dims, at, err := broadcast(t.dims, v.dims)
	if err != nil || !slices.Equal(dims, v.dims) {
		return nil, false, false
	}
	size := v.op.shape.Size()
	list = make([]float32, size)
	known, numbers := make([]bool, size), t.numbers()
	for i := range v.size() {
		to, x := v.at(i)%size, numbers[at(i)]
		if known[to] && list[to] != x {
			return nil, false, false
		}
		list[to], known[to] = x, true
	}
	if slices.Contains(known, false) {
		return nil, false, false
	}
	width := v.op.shape[len(v.op.shape)-1]
	for i, x := range list {
		if x != list[i%width] {
			return list, false, true
		}
	}
	return list[:width], true, true
}

// reshape is the values of an op in another shape.
func (r *reading) reshape(n *node, o *op, to data.Shape) (*op, error) {
	if o.shape.Equal(to) {
		return o, nil
	}
	if len(to) == 1 {
		return r.add(n, engine.Flatten{}, o, nil)
	}
	return r.add(n, engine.Reshape{To: to}, o, nil)
}

// image is an op that gives a value as an image or a sequence, with channels last.
func (r *reading) image(n *node, v *value) (*op, error) {
	v, err := r.layers(v)
	if err != nil {
		return nil, err
	}
	if len(v.dims) < 3 || len(v.dims) > 4 || v.dims[0] != r.batch {
		return nil, r.fail(n, "its input has the axes %v; images and sequences have rows, channels, and one or two more", v.dims)
	}
	want := planesOf(v.dims, v.op)
	for i := range v.size() {
		if v.at(i) != want.at(i) {
			return nil, r.fail(n, "the channels of its input are not in the order in which the layer before it gives them")
		}
	}
	if v.size() != r.batch*v.op.shape.Size() {
		return nil, r.fail(n, "its input is a part of what the layer before it gives")
	}
	return r.reshape(n, v.op, slices.Concat(data.Shape(v.dims[2:]), data.Shape{v.dims[1]}))
}

// simpler puts a layer where moved numbers are one: the last step, or repeated pixels.
func (r *reading) simpler(n *node, v *value) *value {
	o := v.op
	if o.shape == nil || o.kind == expression || v.plain() || v.size() == 0 {
		return v
	}
	size := o.shape.Size()
	if len(o.shape) == 2 && v.size() == r.batch*o.shape[1] {
		f, last := o.shape[1], true
		for i := range v.size() {
			last = last && v.at(i) == i/f*size+size-f+i%f
		}
		if last {
			if step, err := r.add(n, engine.LastStep{}, o, nil); err == nil {
				return &value{dims: v.dims, op: step}
			}
		}
	}
	if len(o.shape) == 3 && len(v.dims) == 4 && v.size() > r.batch*size && o.shape[0] > 0 {
		h, w, c := o.shape[0], o.shape[1], o.shape[2]
		high, wide := v.dims[2], v.dims[3]
		if v.dims[0] != r.batch || v.dims[1] != c || high < h || wide < w {
			return v
		}
		for i := range v.size() {
			b, ch, y, x := i/(c*high*wide), i/(high*wide)%c, i/wide%high, i%wide
			if v.at(i) != ((b*h+y*h/high)*w+x*w/wide)*c+ch {
				return v
			}
		}
		l := engine.Upsample{Height: high, Width: wide}
		if k := high / h; k > 1 && high == k*h && wide == k*w {
			l = engine.Upsample{Size: k}
		}
		if up, err := r.add(n, l, o, nil); err == nil {
			return planesOf(v.dims, up)
		}
	}
	return v
}

// product is rows times weights of f × out.
func (r *reading) product(n *node, v *value, w []float32, out int, bias []float32) (*value, error) {
	if v.op.kind != expression || v.op.what != "heads" {
		var err error
		if v, err = r.layers(v); err != nil {
			return nil, err
		}
	}
	place, perm, flat, ok := v.rows()
	if !ok {
		return nil, r.fail(n, "its rows are no rows of what the layer before it gives")
	}
	f := len(perm)
	if len(w) != f*out || bias != nil && len(bias) != out {
		return nil, r.fail(n, "its weights do not fit %d inputs and %d outputs", f, out)
	}
	own := make([]float32, len(w))
	for i, p := range perm {
		copy(own[p*out:(p+1)*out], w[i*out:])
	}
	dims := slices.Clone(v.dims)
	dims[len(dims)-1] = out
	if v.op.kind == expression {
		o, err := r.attention(n, v.op, own, out, bias)
		if err != nil {
			return nil, err
		}
		return ofRows(dims, place, out, o), nil
	}
	tensors := map[string][]float32{"weight": own}
	if bias != nil {
		tensors["bias"] = slices.Clone(bias)
	}
	o, err := r.add(n, engine.Dense{Out: out, NoBias: bias == nil, PerStep: !flat && len(v.op.shape) > 1}, v.op, tensors)
	if err != nil {
		return nil, err
	}
	return ofRows(dims, place, out, o), nil
}
