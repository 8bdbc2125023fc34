package engine

import (
	"fmt"
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
