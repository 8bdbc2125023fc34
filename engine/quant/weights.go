package quant

import (
	"math"

	"budwood/engine/kernel"
)

// weights are those of a product, segs·inner × out, in float32 and as codes.
type weights struct {
	segs, inner, out, groups int // inner: of one group

	kernel, bias []float32 // nil once they are codes; the bias may be nil

	codes  []int8
	scales []float32 // of each output channel
	sums   []int32   // bias codes, of scale s_x·scales

	matrices []*kernel.ByteMatrix // of each group; nil of a depthwise convolution
	zeroed   [][]int32            // of each group: sums without what the zero point of the input adds
}

// depthwise reports whether each group has one input channel.
func (w *weights) depthwise(g *geometry) bool { return w.groups > 1 && g.c == w.groups }

// quantize makes codes of weights and bias for an input whose codes have a scale:
// s = max|w|/127 and codes round(w/s) in −127 … 127 for each output channel, and bias
// codes round(b/(s_x·s)). Where those would be larger than 2³⁰, s is raised. A channel of
// zeros has s = |b|/(s_x·2²⁰), so that its bias is not lost.
func (w *weights) quantize(x float32) {
	w.codes, w.scales, w.sums = make([]int8, len(w.kernel)), make([]float32, w.out), make([]int32, w.out)
	for j := range w.out {
		var most, b float32
		for i := j; i < len(w.kernel); i += w.out {
			most = max(most, abs(w.kernel[i]))
		}
		if w.bias != nil {
			b = w.bias[j]
		}
		s := most / 127
		if most == 0 {
			if s = abs(b) / (x * (1 << 20)); s == 0 {
				s = 1
			}
		}
		if least := abs(b) / (x * (1 << 30)); s < least {
			s = least
			for abs(b)/(x*s) > 1<<30 {
				s = math.Nextafter32(s, math.MaxFloat32)
			}
		}
		w.scales[j] = s
		for i := j; i < len(w.kernel); i += w.out {
			w.codes[i] = int8(min(max(math.RoundToEven(float64(w.kernel[i]/s)), -127), 127))
		}
		w.sums[j] = int32(math.RoundToEven(float64(b / (x * s))))
	}
	w.kernel, w.bias = nil, nil
}

// pack lays the codes out for the kernels; zero is the zero point of the input.
func (w *weights) pack(zero uint8, depthwise bool) {
	n := w.out / w.groups
	w.matrices, w.zeroed = nil, nil
	for g := range w.groups {
		own := make([]int8, 0, len(w.codes)/w.groups)
		for i := g * n; i < len(w.codes); i += w.out {
			own = append(own, w.codes[i:i+n]...)
		}
		z := make([]int32, kernel.Padded(n))
		copy(z, w.sums[g*n:(g+1)*n])
		for i, c := range own {
			z[i%n] -= int32(zero) * int32(c)
		}
		w.zeroed = append(w.zeroed, z)
		if !depthwise {
			w.matrices = append(w.matrices, kernel.NewByteMatrix(own, w.segs, w.inner, n))
		}
	}
}

// scaled are the multipliers of the sums: the scale of the product over that of the
// output, padded to whole panels; y is 1 where the output is floats.
func (w *weights) scaled(x, y float32) []float32 {
	out := make([]float32, kernel.Padded(w.out))
	for j, s := range w.scales {
		out[j] = x * s / y
	}
	return out
}

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }
