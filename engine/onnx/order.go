package onnx

import (
	"slices"

	"budwood/data"
)

// operand is a value of the graph, and the shape of one sample of it in the engine,
// which has channels last.
//
// Convolutions and what goes with them have channels before places in ONNX, and the
// values stay in that order until a layer wants another: then of is the shape that they
// had in the engine as an image or a sequence. They are that still, with axes
// {channels, …}, if shape is as long as of; else they are flattened.
type operand struct {
	name  string
	shape data.Shape
	of    data.Shape // nil: the values are in the engine's order
}

// planes reports whether the axes are those of ONNX's convolutions, channels first.
func (x operand) planes() bool { return x.of != nil && len(x.shape) == len(x.of) }

// same is what an op gives that works value by value.
func (x operand) same(name string) operand { return operand{name, x.shape, x.of} }

// dims are the axes of a sample in the graph.
func (x operand) dims() data.Shape {
	if x.planes() {
		return firstOf(x.shape)
	}
	return x.shape
}

// firstOf is a shape with the channels first.
func firstOf(s data.Shape) data.Shape { return slices.Concat(s[len(s)-1:], s[:len(s)-1]) }

// trivial reports whether both orders are the same numbers in memory.
func trivial(s data.Shape) bool {
	c := s[len(s)-1]
	return c == 1 || s.Size() == c
}

// first brings an image or a sequence into the order of convolutions.
func (g *graph) first(x operand) operand {
	if x.planes() {
		return x
	}
	x = g.last(x)
	y := operand{shape: x.shape, of: x.shape}
	y.name = g.once("first", x.name, func() string {
		switch {
		case trivial(x.shape):
			return g.reshape(x.name, firstOf(x.shape)...)
		case len(x.shape) == 2:
			return g.apply("Transpose", []string{x.name}, attr{"perm", []int{0, 2, 1}})
		}
		return g.apply("Transpose", []string{x.name}, attr{"perm", []int{0, 3, 1, 2}})
	})
	return y
}

// last brings a value into the engine's order.
func (g *graph) last(x operand) operand {
	if x.of == nil {
		return x
	}
	y := operand{shape: x.shape}
	y.name = g.once("last", x.name, func() string {
		if trivial(x.of) {
			if x.shape.Equal(x.dims()) {
				return x.name
			}
			return g.reshape(x.name, x.shape...)
		}
		name := x.name
		if !x.planes() {
			name = g.reshape(name, firstOf(x.of)...)
		}
		perm := []int{0, 2, 3, 1}
		if len(x.of) == 2 {
			perm = []int{0, 2, 1}
		}
		name = g.apply("Transpose", []string{name}, attr{"perm", perm})
		if !x.planes() {
			name = g.reshape(name, x.shape...)
		}
		return name
	})
	return y
}

// once makes a value from another, the first time that it is asked for.
func (g *graph) once(what, from string, f func() string) string {
	key := what + " " + from
	if g.made[key] == "" {
		g.made[key] = f()
	}
	return g.made[key]
}

// flat is the value as one axis, in the order that it has.
func (g *graph) flat(x operand) operand {
	if len(x.shape) == 1 {
		return x
	}
	n := x.shape.Size()
	return operand{g.once("flat", x.name, func() string { return g.reshape(x.name, n) }), data.Shape{n}, x.of}
}

// alike brings values that meet into one order: that of convolutions, if one has it and
// they are images or sequences.
func (g *graph) alike(xs []operand) (names []string, of data.Shape) {
	planes := slices.ContainsFunc(xs, operand.planes)
	for _, x := range xs {
		if planes {
			x = g.first(x)
			of = x.of
		} else {
			x = g.last(x)
		}
		names = append(names, x.name)
	}
	return names, of
}

// concat lays values side by side along their features.
func (g *graph) concat(xs []operand, shape data.Shape) operand {
	names, of := g.alike(xs)
	if of != nil {
		return operand{g.apply("Concat", names, attr{"axis", 1}), shape, shape}
	}
	return operand{g.apply("Concat", names, attr{"axis", -1}), shape, nil}
}

// sum adds values of one shape.
func (g *graph) sum(op string, xs []operand, shape data.Shape) operand {
	names, of := g.alike(xs)
	return operand{g.apply(op, names), shape, of}
}

// vector makes a constant of a value for each feature of x.
func (g *graph) vector(x operand, v []float32) string {
	switch {
	case x.planes():
		dims := []int{len(v)}
		for range len(x.shape) - 1 {
			dims = append(dims, 1)
		}
		return g.floats(v, dims...)
	case x.of != nil:
		return g.floats(inOrder(v, 1, x.of), len(v))
	}
	return g.floats(v, len(v))
}

// inOrder is the rows of a matrix, each a value of an image or sequence, in the order of
// convolutions.
func inOrder[T any](w []T, cols int, of data.Shape) []T {
	c := of[len(of)-1]
	places := of.Size() / c
	out := make([]T, 0, len(w))
	for i := range c {
		for p := range places {
			at := (p*c + i) * cols
			out = append(out, w[at:at+cols]...)
		}
	}
	return out
}
