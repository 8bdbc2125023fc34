package engine

import "fmt"

// Dense is a fully connected layer, x·W + b. It flattens its input.
type Dense struct {
	Out    int // features out
	NoBias bool
}

// Infer gives {Out}.
func (d Dense) Infer(in Shape) (Shape, error) {
	if err := values(d, in); err != nil {
		return nil, err
	}
	if err := size(d, "size", d.Out, 1); err != nil {
		return nil, err
	}
	return Shape{d.Out}, nil
}

// String is Dense(Out).
func (d Dense) String() string { return fmt.Sprintf("Dense(%d)", d.Out) }

func (d Dense) cost(in, _ Shape) Cost {
	c := Cost{Params: product(in.Size(), d.Out), MACs: product(in.Size(), d.Out), Activations: int64(d.Out)}
	if !d.NoBias {
		c.Params = plus(c.Params, int64(d.Out))
	}
	return c
}

// Flatten makes {features} of any shape. [Dense] does so by itself.
type Flatten struct{}

// Infer gives {size of in}.
func (f Flatten) Infer(in Shape) (Shape, error) {
	if err := values(f, in); err != nil {
		return nil, err
	}
	return Shape{in.Size()}, nil
}

// String is Flatten.
func (Flatten) String() string { return "Flatten" }

func (Flatten) cost(_, _ Shape) Cost { return Cost{} }
