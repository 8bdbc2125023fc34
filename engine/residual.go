package engine

import "fmt"

// Residual is x + Body(x) (He et al. 2016). Where Body changes the shape, x
// goes through a projection without bias: a 1×1 [Conv] with the stride that
// fits, or a [Dense] if Body's output is flat.
type Residual struct {
	Body Seq
}

// Infer gives the output shape of Body, if a projection can reach it.
func (r Residual) Infer(in Shape) (Shape, error) {
	out, err := r.Body.Infer(in)
	if err != nil {
		return nil, fmt.Errorf("Residual: %w", err)
	}
	if _, err := r.projection(in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// projection is the layer that brings x to Body's shape, nil if it has it.
func (r Residual) projection(in, out Shape) (Layer, error) {
	if in.Equal(out) {
		return nil, nil
	}
	if len(out) == 1 {
		return Dense{Out: out[0], NoBias: true}, nil
	}
	if len(in) == 3 && len(out) == 3 {
		s := max((in[0]+out[0]-1)/out[0], (in[1]+out[1]-1)/out[1])
		c := Conv{Out: out[2], Kernel: 1, Stride: s, NoBias: true}
		if got, err := c.Infer(in); err == nil && got.Equal(out) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%v: no projection leads from its input %v to its output %v", r, in, out)
}

// String is Residual[…].
func (r Residual) String() string { return "Residual" + r.Body.String() }

func (r Residual) cost(in, out Shape) Cost {
	c := r.Body.cost(in, out)
	c.Activations = plus(c.Activations, int64(out.Size()))
	if p, err := r.projection(in, out); err == nil && p != nil {
		c = c.plus(p.cost(in, out))
	}
	return c
}
