package onnx

import (
	"math"

	"budwood/data"
	"budwood/engine"
)

// ε of the norms.
const epsilon = 1e-5

// channelsFirst and channelsLast move the channels of a batch of images or
// sequences: ONNX has them before the places.
func (g *graph) channelsFirst(x operand) string {
	if len(x.shape) == 2 {
		return g.apply("Transpose", []string{x.name}, attr{"perm", []int{0, 2, 1}})
	}
	return g.apply("Transpose", []string{x.name}, attr{"perm", []int{0, 3, 1, 2}})
}

func (g *graph) channelsLast(x string, axes int) string {
	if axes == 2 {
		return g.apply("Transpose", []string{x}, attr{"perm", []int{0, 2, 1}})
	}
	return g.apply("Transpose", []string{x}, attr{"perm", []int{0, 2, 3, 1}})
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (g *graph) conv(c engine.Conv, x operand, out data.Shape) string {
	k, stride, groups := or(c.Kernel, 3), or(c.Stride, 1), or(c.Groups, 1)
	pads := make([]int, 4)
	if !c.Valid {
		before := (k - 1) / 2
		for i := range 2 {
			pads[i], pads[i+2] = before, max((out[i]-1)*stride+k-before-x.shape[i], 0)
		}
	}
	per := x.shape[2] / groups
	return g.convolve(x, k*k, per, c.Out, []int{c.Out, per, k, k},
		attr{"kernel_shape", []int{k, k}}, attr{"strides", []int{stride, stride}}, attr{"pads", pads}, attr{"group", groups})
}

func (g *graph) conv1D(c engine.Conv1D, x operand, out data.Shape) string {
	k, stride, dilation, groups := or(c.Kernel, 3), or(c.Stride, 1), or(c.Dilation, 1), or(c.Groups, 1)
	span := (k-1)*dilation + 1
	pads := make([]int, 2)
	if !c.Valid {
		before := max((out[0]-1)*stride+span-x.shape[0], 0) / 2
		if c.Causal {
			before = span - 1
		}
		pads[0], pads[1] = before, max((out[0]-1)*stride+span-before-x.shape[0], 0)
	}
	per := x.shape[1] / groups
	return g.convolve(x, k, per, c.Out, []int{c.Out, per, k},
		attr{"kernel_shape", []int{k}}, attr{"strides", []int{stride}}, attr{"dilations", []int{dilation}}, attr{"pads", pads}, attr{"group", groups})
}

// convolve adds a convolution. Its weights are taps × per × out here, out × per ×
// taps in ONNX. A border that no window reaches is cut off by ONNX too.
func (g *graph) convolve(x operand, taps, per, out int, dims []int, attrs ...attr) string {
	w := g.weight("weight")
	turned := make([]float32, len(w))
	for t := range taps {
		for c := range per {
			for o := range out {
				turned[(o*per+c)*taps+t] = w[(t*per+c)*out+o]
			}
		}
	}
	inputs := []string{g.channelsFirst(x), g.floats(turned, dims...)}
	if g.has("bias") {
		inputs = append(inputs, g.floats(g.weight("bias"), out))
	}
	return g.channelsLast(g.apply("Conv", inputs, attrs...), len(x.shape))
}

func (g *graph) pool(op string, size int, x operand) string {
	n := or(size, 2)
	window := []int{n}
	if len(x.shape) == 3 {
		window = []int{n, n}
	}
	y := g.apply(op, []string{g.channelsFirst(x)}, attr{"kernel_shape", window}, attr{"strides", window})
	return g.channelsLast(y, len(x.shape))
}

func (g *graph) upsample(u engine.Upsample, x operand) string {
	n := float32(or(u.Size, 2))
	y := g.apply("Resize", []string{g.channelsFirst(x), "", g.floats([]float32{1, 1, n, n}, 4)},
		attr{"mode", "nearest"}, attr{"coordinate_transformation_mode", "asymmetric"}, attr{"nearest_mode", "floor"})
	return g.channelsLast(y, 3)
}

// batchNorm is x·a + b with a = γ/√(σ² + ε) and b = β − μ·a of the running
// statistics.
func (g *graph) batchNorm(x operand) string {
	gamma, beta, mean, variance := g.weight("weight"), g.weight("bias"), g.weight("running_mean"), g.weight("running_var")
	a, b := make([]float32, len(gamma)), make([]float32, len(gamma))
	for i := range a {
		s := float64(gamma[i]) / math.Sqrt(float64(variance[i])+epsilon)
		a[i], b[i] = float32(s), float32(float64(beta[i])-float64(mean[i])*s)
	}
	return g.scaleShift(x.name, a, b)
}

func (g *graph) scaleShift(x string, a, b []float32) string {
	return g.apply("Add", []string{g.apply("Mul", []string{x, g.floats(a, len(a))}), g.floats(b, len(b))})
}

// groupNorm normalises {places, groups, channels of a group} over the first and
// the last.
func (g *graph) groupNorm(l engine.GroupNorm, x operand) string {
	c := x.shape[len(x.shape)-1]
	groups := or(l.Groups, min(32, c))
	for c%groups != 0 {
		groups--
	}
	v := g.reshape(x.name, x.shape.Size()/c, groups, c/groups)
	y := g.reshape(g.normalise(v, c/groups, or(l.Of, c/groups), 1, 3), x.shape...)
	return g.scaleShift(y, g.weight("weight"), g.weight("bias"))
}

// wideLayerNorm is the layer norm of features of which some are 0 and not there.
func (g *graph) wideLayerNorm(l engine.LayerNorm, x operand) string {
	last := len(x.shape)
	return g.scaleShift(g.normalise(x.name, x.shape[last-1], l.Of, last), g.weight("weight"), g.weight("bias"))
}

// normalise is (x − μ)/√(σ² + ε) over axes, the last of which has c values; the
// statistics are of so many, of which the others are 0: μ = m·c/of of the mean m of
// those that are there, σ² = mean((x − μ)²)·c/of + μ²·(1 − c/of).
func (g *graph) normalise(x string, c, of int, axes ...int) string {
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
	deviation := g.apply("Sqrt", []string{g.apply("Add", []string{variance, g.number(epsilon)})})
	return g.apply("Div", []string{centred, deviation})
}

func (g *graph) squeezeExcite(l engine.SqueezeExcite, x operand) (operand, error) {
	c := x.shape[len(x.shape)-1]
	by, err := g.seq(l.Layers(c), x)
	if err != nil {
		return x, err
	}
	dims := make([]int, len(x.shape))
	for i := range dims {
		dims[i] = 1
	}
	dims[len(dims)-1] = c
	return operand{g.apply("Mul", []string{x.name, g.reshape(by.name, dims...)}), x.shape}, nil
}
