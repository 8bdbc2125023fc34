package onnx

import (
	"math"
	"slices"

	"budwood/data"
	"budwood/engine"
)

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (g *graph) conv(c engine.Conv, x operand, out data.Shape) string {
	return g.convolve(convolution(c, x.shape, out), x)
}

func (g *graph) conv1D(c engine.Conv1D, x operand, out data.Shape) string {
	return g.convolve(convolution1D(c, x.shape, out), x)
}

// window is what a convolution has in ONNX.
type window struct {
	taps, per, out int
	dims           []int // of the weights
	attrs          []attr
}

func convolution(c engine.Conv, in, _ data.Shape) window {
	rows, columns := c.Windows(in)
	return windowOf(in, c.Out, or(c.Groups, 1), rows, columns)
}

func convolution1D(c engine.Conv1D, in, _ data.Shape) window {
	return windowOf(in, c.Out, or(c.Groups, 1), c.Window(in))
}

// windowOf is a convolution with these windows along its axes.
func windowOf(in data.Shape, out, groups int, axes ...engine.Window) window {
	c := window{taps: 1, per: in[len(in)-1] / groups, out: out}
	var sizes, strides, dilations []int
	pads := make([]int, 2*len(axes))
	dilated := len(axes) == 1
	for i, a := range axes {
		c.taps *= a.Size
		sizes, strides, dilations = append(sizes, a.Size), append(strides, a.Stride), append(dilations, a.Dilation)
		pads[i], pads[i+len(axes)] = a.Before, a.After
		dilated = dilated || a.Dilation > 1
	}
	c.dims = append([]int{out, c.per}, sizes...)
	c.attrs = []attr{{"kernel_shape", sizes}, {"strides", strides}}
	if dilated {
		c.attrs = append(c.attrs, attr{"dilations", dilations})
	}
	c.attrs = append(c.attrs, attr{"pads", pads}, attr{"group", groups})
	return c
}

// turned are weights of taps × per × out in ONNX's order, out × per × taps.
func turned[T any](w []T, c window) []T {
	to := make([]T, len(w))
	for t := range c.taps {
		for i := range c.per {
			for o := range c.out {
				to[(o*c.per+i)*c.taps+t] = w[(t*c.per+i)*c.out+o]
			}
		}
	}
	return to
}

// convolve adds a convolution. A border that no window reaches is cut off by ONNX too.
func (g *graph) convolve(c window, x operand) string {
	inputs := []string{x.name, g.floats(turned(g.weight("weight"), c), c.dims...)}
	if g.has("bias") {
		inputs = append(inputs, g.floats(g.weight("bias"), c.out))
	}
	return g.apply("Conv", inputs, c.attrs...)
}

func (g *graph) pool(op string, size int, x operand) string {
	n := or(size, 2)
	window := []int{n}
	if len(x.shape) == 3 {
		window = []int{n, n}
	}
	return g.apply(op, []string{x.name}, attr{"kernel_shape", window}, attr{"strides", window})
}

// maxPool adds a MaxPool. A border that no window reaches is cut off by ONNX too.
func (g *graph) maxPool(l engine.MaxPool, x operand) string {
	if n, ok := l.Square(); ok {
		return g.pool("MaxPool", n, x)
	}
	rows, columns := l.Windows(x.shape)
	axes := []engine.Window{rows, columns}[:len(x.shape)-1]
	c := windowOf(x.shape, x.shape[len(x.shape)-1], 1, axes...)
	return g.apply("MaxPool", []string{x.name}, slices.DeleteFunc(c.attrs, func(a attr) bool { return a.name == "group" || a.name == "dilations" })...)
}

// global takes all places of each channel together: by an op for channels first, or one
// for any axes.
func (g *graph) global(op, reduce string, x operand, shape data.Shape) operand {
	if x.planes() {
		return operand{name: g.reshape(g.apply(op, []string{x.name}), shape...), shape: shape}
	}
	y := g.apply(reduce, []string{g.last(x).name}, attr{"axes", places(x.shape)}, attr{"keepdims", 0})
	return operand{name: y, shape: shape}
}

func (g *graph) upsample(u engine.Upsample, x operand) string {
	n := float32(or(u.Size, 2))
	return g.apply("Resize", []string{x.name, "", g.floats([]float32{1, 1, n, n}, 4)},
		attr{"mode", "nearest"}, attr{"coordinate_transformation_mode", "asymmetric"}, attr{"nearest_mode", "floor"})
}

// batchNorm is x·a + b with a = γ/√(σ² + ε) and b = β − μ·a of the running
// statistics. What is left of them is not behind a layer with weights.
func (g *graph) batchNorm(l engine.BatchNorm, x operand) operand {
	gamma, beta, mean, variance := g.weight("weight"), g.weight("bias"), g.weight("running_mean"), g.weight("running_var")
	a, b := make([]float32, len(gamma)), make([]float32, len(gamma))
	for i := range a {
		s := float64(gamma[i]) / math.Sqrt(float64(variance[i])+engine.Eps(l.Eps))
		a[i], b[i] = float32(s), float32(float64(beta[i])-float64(mean[i])*s)
	}
	return g.scaleShift(x, a, b)
}

// scaleShift is x·a + b, with a value of a and b for each feature.
func (g *graph) scaleShift(x operand, a, b []float32) operand {
	return x.same(g.apply("Add", []string{g.apply("Mul", []string{x.name, g.vector(x, a)}), g.vector(x, b)}))
}

// groupNorm normalises all channels of a group at all places.
func (g *graph) groupNorm(l engine.GroupNorm, x operand) operand {
	c := x.shape[len(x.shape)-1]
	groups := or(l.Groups, min(32, c))
	for c%groups != 0 {
		groups--
	}
	x = g.first(x)
	v := g.reshape(x.name, groups, x.shape.Size()/groups)
	y := g.reshape(g.normalise(v, c/groups, or(l.Of, c/groups), l.Eps, 2), x.dims()...)
	return g.scaleShift(x.same(y), g.weight("weight"), g.weight("bias"))
}

// layerNorm normalises the last axis, which the graph must have as the last one too.
func (g *graph) layerNorm(l engine.LayerNorm, x operand) operand {
	if x.planes() {
		x = g.last(x)
	}
	c, last := x.shape[len(x.shape)-1], len(x.shape)
	if l.Of > c { // some are 0 and not there
		return g.scaleShift(x.same(g.normalise(x.name, c, l.Of, l.Eps, last)), g.weight("weight"), g.weight("bias"))
	}
	return x.same(g.apply("LayerNormalization", []string{x.name, g.vector(x, g.weight("weight")), g.vector(x, g.weight("bias"))},
		attr{"axis", -1}, attr{"epsilon", float32(engine.Eps(l.Eps))}))
}

// normalise is (x − μ)/√(σ² + ε) over axes, the last of which has c values; the
// statistics are of so many, of which the others are 0: μ = m·c/of of the mean m of
// those that are there, σ² = mean((x − μ)²)·c/of + μ²·(1 − c/of).
func (g *graph) normalise(x string, c, of int, eps float64, axes ...int) string {
	over := []attr{{"axes", axes}, {"keepdims", 1}}
	share := float64(c) / float64(of)
	mean := g.apply("ReduceMean", []string{x}, over...)
	if of > c {
		mean = g.apply("Mul", []string{mean, g.number(share)})
	}
	centred := g.apply("Sub", []string{x, mean})
	variance := g.apply("ReduceMean", []string{g.apply("Mul", []string{centred, centred})}, over...)
	if of > c {
		variance = g.apply("Add", []string{g.apply("Mul", []string{variance, g.number(share)}),
			g.apply("Mul", []string{g.apply("Mul", []string{mean, mean}), g.number(1 - share)})})
	}
	deviation := g.apply("Sqrt", []string{g.apply("Add", []string{variance, g.number(engine.Eps(eps))})})
	return g.apply("Div", []string{centred, deviation})
}

func (g *graph) squeezeExcite(l engine.SqueezeExcite, x operand) (operand, error) {
	c := x.shape[len(x.shape)-1]
	by, err := g.seq(l.Layers(c), x)
	if err != nil {
		return x, err
	}
	dims := slices.Repeat([]int{1}, len(x.shape))
	if dims[len(dims)-1] = c; x.planes() {
		dims = firstOf(dims)
	}
	return x.same(g.apply("Mul", []string{x.name, g.reshape(by.name, dims...)})), nil
}
