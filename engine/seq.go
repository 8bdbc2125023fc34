package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Seq is layers in a row, itself a layer. An empty Seq changes nothing.
type Seq []Layer

// Infer is the output shape of the last layer. The error names the layer that
// does not fit, the one before it, and the shape between them.
func (s Seq) Infer(in Shape) (Shape, error) {
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

// build of a Seq chains its layers; a layer takes the ReLU behind it along
// where its kernel has one built in.
func (s Seq) build(b *builder, x tensor) tensor {
	for i := 0; i < len(s); i++ {
		l := s[i]
		var next Layer
		if i+1 < len(s) {
			next = s[i+1]
		}
		_, relu := next.(ReLU)
		f, fuses := l.(fuser)
		b.within(strconv.Itoa(i), func() {
			if fuses {
				x = f.fuse(b, x, relu, gain(next))
			} else {
				x = l.build(b, x)
			}
		})
		if fuses && relu {
			i++
			b.within(strconv.Itoa(i), func() { b.rows[b.layer(next, x.shape, 0)].note = "in the layer above" })
		}
	}
	return x
}

// fuser is a layer that can apply the ReLU behind it, and whose weights depend
// on the activation behind it by a gain.
type fuser interface {
	fuse(b *builder, x tensor, relu bool, gain float64) tensor
}

// gain is the factor that keeps the variance of values through an activation
// (He et al. 2015): √2 for those that cut off about half of their input.
func gain(next Layer) float64 {
	switch next.(type) {
	case ReLU, LeakyReLU, GELU, SiLU:
		return math.Sqrt2
	}
	return 1
}
