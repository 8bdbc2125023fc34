package engine

import "fmt"

// The activations work value by value.
type (
	ReLU      struct{} // max(x, 0)
	LeakyReLU struct{} // x, or 0.01·x below 0
	GELU      struct{} // x·Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016)
	SiLU      struct{} // x·sigmoid(x)
	Tanh      struct{} // tanh(x)
	Sigmoid   struct{} // 1/(1 + exp(−x))
)

// Activation is the activation of that name: "relu", "leaky_relu", "gelu",
// "silu", "tanh" or "sigmoid".
func Activation(name string) (Layer, error) {
	switch name {
	case "relu":
		return ReLU{}, nil
	case "leaky_relu":
		return LeakyReLU{}, nil
	case "gelu":
		return GELU{}, nil
	case "silu":
		return SiLU{}, nil
	case "tanh":
		return Tanh{}, nil
	case "sigmoid":
		return Sigmoid{}, nil
	}
	return nil, fmt.Errorf("activation %q: is none of relu, leaky_relu, gelu, silu, tanh, sigmoid", name)
}

// Infer gives the input shape.
func (a ReLU) Infer(in Shape) (Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a LeakyReLU) Infer(in Shape) (Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a GELU) Infer(in Shape) (Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a SiLU) Infer(in Shape) (Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a Tanh) Infer(in Shape) (Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a Sigmoid) Infer(in Shape) (Shape, error) { return in, values(a, in) }

// String is ReLU.
func (ReLU) String() string { return "ReLU" }

// String is LeakyReLU.
func (LeakyReLU) String() string { return "LeakyReLU" }

// String is GELU.
func (GELU) String() string { return "GELU" }

// String is SiLU.
func (SiLU) String() string { return "SiLU" }

// String is Tanh.
func (Tanh) String() string { return "Tanh" }

// String is Sigmoid.
func (Sigmoid) String() string { return "Sigmoid" }

func (ReLU) cost(_, _ Shape) Cost      { return Cost{} }
func (LeakyReLU) cost(_, _ Shape) Cost { return Cost{} }
func (GELU) cost(_, out Shape) Cost    { return Cost{Activations: int64(out.Size())} }
func (SiLU) cost(_, out Shape) Cost    { return Cost{Activations: int64(out.Size())} }
func (Tanh) cost(_, _ Shape) Cost      { return Cost{} }
func (Sigmoid) cost(_, _ Shape) Cost   { return Cost{} }
