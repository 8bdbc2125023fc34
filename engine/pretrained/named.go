package pretrained

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/onnx/reader"
	"budwood/engine/safetensors"
)

// maker builds an architecture from the layers of the engine, and takes the tensors of
// each from the file by its names. Sizes that variants differ in come from the tensors.
type maker struct {
	file    map[string]safetensors.Tensor
	used    map[string]bool
	tensors map[string][]float32
	err     error // the first
}

// named reads a safetensors file.
func named(r io.Reader, o Options) (*reader.Model, error) {
	_, list, err := safetensors.Read(r)
	if err != nil {
		return nil, err
	}
	name, build := o.Network, architectures()[o.Network]
	if build == nil {
		return nil, fmt.Errorf("network %q is none of %s", name, strings.Join(Networks(), ", "))
	}
	m := &maker{file: map[string]safetensors.Tensor{}, used: map[string]bool{}, tensors: map[string][]float32{}}
	for _, t := range list {
		m.file[t.Name] = t
	}
	in := o.In
	if in == nil {
		in = data.Shape{224, 224, 3}
	}
	layers, in := build(m, in)
	if m.err != nil {
		return nil, fmt.Errorf("as network %s: %w", name, m.err)
	}
	out := &reader.Model{Layer: layers, In: in, Tensors: m.tensors, First: true, FileIn: slices.Concat(in[2:], in[:2])}
	var left []string
	counted := 0
	for _, t := range list {
		switch {
		case m.used[t.Name]:
		case strings.HasSuffix(t.Name, ".num_batches_tracked"):
			counted++
		default:
			left = append(left, fmt.Sprintf("%s %v", t.Name, t.Shape))
		}
	}
	if counted > 0 {
		out.Ignored = append(out.Ignored, fmt.Sprintf("%d tensors num_batches_tracked: batches counted in training", counted))
	}
	if left != nil {
		return nil, fmt.Errorf("as network %s: no layer has a place for %d tensors: %s", name, len(left), few(left))
	}
	if _, err := layers.Infer(in); err != nil {
		return nil, fmt.Errorf("as network %s: %w", name, err)
	}
	return out, nil
}

func few(list []string) string {
	if len(list) > 8 {
		return strings.Join(list[:8], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}

func (m *maker) fail(format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
	}
}

// has is the first of some names that the file has.
func (m *maker) has(names ...string) (string, bool) {
	for _, n := range names {
		if _, ok := m.file[n]; ok {
			return n, true
		}
	}
	return "", false
}

// shape is that of a tensor with so many axes, the first of some names; zeros if there is
// none.
func (m *maker) shape(axes int, names ...string) []int {
	n, ok := m.has(names...)
	if !ok {
		m.fail("tensor %s is missing", strings.Join(names, " or "))
		return make([]int, axes)
	}
	if s := m.file[n].Shape; len(s) == axes {
		return s
	}
	m.fail("tensor %s has the shape %v, not one of %d axes", n, m.file[n].Shape, axes)
	return make([]int, axes)
}

// take is a tensor of a shape.
func (m *maker) take(name string, shape ...int) []float32 {
	t, ok := m.file[name]
	switch {
	case !ok:
		m.fail("tensor %s is missing", name)
	case !slices.Equal(t.Shape, shape):
		m.fail("tensor %s has the shape %v, the network wants %v", name, t.Shape, shape)
	default:
		m.used[name] = true
		return t.Data
	}
	return make([]float32, 0)
}

// row is layers in a row, at a path of the network.
type row struct {
	*maker
	path   string
	layers engine.Seq
}

// next is the path of the next layer.
func (r *row) next() string {
	return strings.TrimPrefix(fmt.Sprintf("%s.%d", r.path, len(r.layers)), ".")
}

func (r *row) add(l ...engine.Layer) { r.layers = append(r.layers, l...) }

// put sets a tensor of the layer that comes next.
func (r *row) put(name string, x []float32) { r.tensors[r.next()+"."+name] = x }

// conv adds a convolution of channels in to c.Out: weights of out × in/groups × height ×
// width become height × width × in/groups × out.
func (r *row) conv(name string, in int, c engine.Conv) {
	k, groups := c.Kernel, max(c.Groups, 1)
	per := in / groups
	w := r.take(name+".weight", c.Out, per, k, k)
	to := make([]float32, len(w))
	for o := range c.Out {
		for i := range per {
			for t := range k * k {
				if len(w) > 0 {
					to[(t*per+i)*c.Out+o] = w[(o*per+i)*k*k+t]
				}
			}
		}
	}
	r.put("weight", to)
	if !c.NoBias {
		r.put("bias", r.take(name+".bias", c.Out))
	}
	r.add(c)
}

// norm adds a batch norm.
func (r *row) norm(name string, channels int, eps float64) {
	for _, part := range []string{"weight", "bias", "running_mean", "running_var"} {
		r.put(part, r.take(name+"."+part, channels))
	}
	r.add(engine.BatchNorm{Eps: eps})
}

// turned is weights of out × in as in × out.
func turned(w []float32, out, in int) []float32 {
	to := make([]float32, len(w))
	if len(w) == out*in {
		for o := range out {
			for i := range in {
				to[i*out+o] = w[o*in+i]
			}
		}
	}
	return to
}

// dense adds a linear layer, of a weight that may be a 1×1 convolution's.
func (r *row) dense(name string, in, out int) {
	r.put("weight", turned(r.take(name+".weight", out, in), out, in))
	r.put("bias", r.take(name+".bias", out))
	r.add(engine.Dense{Out: out})
}

// inner runs f for layers within the one that comes next.
func (r *row) inner(part string, f func(*row)) engine.Seq {
	in := &row{maker: r.maker, path: r.next()}
	if part != "" {
		in.path += "." + part
	}
	f(in)
	if in.layers == nil {
		in.layers = engine.Seq{}
	}
	return in.layers
}

var errNoSize = errors.New("its sizes are none")
