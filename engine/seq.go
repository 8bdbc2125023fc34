package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// Seq is layers in a row, itself a layer. An empty Seq changes nothing.
type Seq []Layer

// Infer is the output shape of the last layer. The error names the layer that
// does not fit, the one before it, and the shape between them.
func (s Seq) Infer(in data.Shape) (data.Shape, error) {
	if in.Size() == 0 {
		return nil, fmt.Errorf("Seq: input shape %v has no values", in)
	}
	for i, l := range s {
		if l == nil {
			return nil, fmt.Errorf("layer %d: is nil", i)
		}
		out, err := l.Infer(in)
		if err != nil {
			from := "the input"
			if i > 0 {
				from = fmt.Sprintf("layer %d %v", i-1, s[i-1])
			}
			return nil, fmt.Errorf("layer %d after %s, which gives %v: %w", i, from, in, err)
		}
		in = out
	}
	return in, nil
}

// String writes the layers in brackets.
func (s Seq) String() string {
	names := make([]string, len(s))
	for i, l := range s {
		names[i] = fmt.Sprint(l)
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// build of a Seq chains its layers; a layer takes those behind it along that its
// kernels have built in.
func (s Seq) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	for i := 0; i < len(s); i++ {
		l, taken := s[i], 0
		b.Within(strconv.Itoa(i), func() {
			if f, ok := l.(fuser); ok {
				x, taken = f.fuse(b, x, s[i+1:])
			} else {
				x = l.build(b, x)
			}
		})
		for range taken {
			i++
			b.Within(strconv.Itoa(i), func() { b.Rows[b.Layer(s[i], x.Shape, 0)].Note = "in the layer above" })
		}
		b.Join(x)
	}
	return x
}

// fuser is a layer that depends on those behind it in a sequence: next, whose
// only input is its output. It returns how many of them it does itself.
type fuser interface {
	fuse(b *plan.Builder, x plan.Tensor, next []Layer) (y plan.Tensor, taken int)
}

// normed reports whether the first layer is a batch norm.
func normed(next []Layer) bool {
	if len(next) == 0 {
		return false
	}
	_, norm := next[0].(BatchNorm)
	return norm
}

// behind looks at the activation behind a layer: how many layers to take along,
// 1 if it is a ReLU, and the gain of the weights before it.
func behind(next []Layer) (relu int, g float64) {
	if len(next) == 0 {
		return 0, 1
	}
	if _, ok := next[0].(ReLU); ok {
		relu = 1
	}
	return relu, gain(next[0])
}

// gain is the factor that keeps the variance of values through an activation
// (He et al. 2015): √2 for those that cut off about half of their input.
func gain(next Layer) float64 {
	switch next.(type) {
	case ReLU, LeakyReLU, GELU, SiLU, Clip, HardSwish:
		return math.Sqrt2
	}
	return 1
}
