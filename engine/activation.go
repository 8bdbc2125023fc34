package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/kernel"
)

// The activations work value by value.
type (
	ReLU    struct{} // max(x, 0)
	GELU    struct{} // x·Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016)
	SiLU    struct{} // x·sigmoid(x)
	Tanh    struct{} // tanh(x)
	Sigmoid struct{} // 1/(1 + exp(−x))
)

// LeakyReLU is x, or Slope·x below 0.
type LeakyReLU struct {
	Slope float64 // 0 means 0.01; 0 < Slope < 1
}

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
func (a ReLU) Infer(in data.Shape) (data.Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a LeakyReLU) Infer(in data.Shape) (data.Shape, error) {
	if s := a.slope(); !(s > 0 && s < 1) {
		return nil, fmt.Errorf("%v: slope %v is outside (0, 1)", a, a.Slope)
	}
	return in, values(a, in)
}

// Infer gives the input shape.
func (a GELU) Infer(in data.Shape) (data.Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a SiLU) Infer(in data.Shape) (data.Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a Tanh) Infer(in data.Shape) (data.Shape, error) { return in, values(a, in) }

// Infer gives the input shape.
func (a Sigmoid) Infer(in data.Shape) (data.Shape, error) { return in, values(a, in) }

// String is ReLU.
func (ReLU) String() string { return "ReLU" }

// String is LeakyReLU, with the slope where it is not the default.
func (a LeakyReLU) String() string {
	if a.Slope == 0 {
		return "LeakyReLU"
	}
	return fmt.Sprintf("LeakyReLU(%g)", a.Slope)
}

func (a LeakyReLU) slope() float32 { return float32(cmp.Or(a.Slope, 0.01)) }

// String is GELU.
func (GELU) String() string { return "GELU" }

// String is SiLU.
func (SiLU) String() string { return "SiLU" }

// String is Tanh.
func (Tanh) String() string { return "Tanh" }

// String is Sigmoid.
func (Sigmoid) String() string { return "Sigmoid" }

func (a ReLU) build(b *builder, x tensor) tensor {
	return elementwise(b, a, x, needSign, kernel.ReLU, kernel.ReLUBack)
}

func (a LeakyReLU) build(b *builder, x tensor) tensor {
	slope := a.slope()
	return elementwise(b, a, x, needSign,
		func(y, x []float32) { kernel.LeakyReLU(y, x, slope) },
		func(dx, dy, y []float32) { kernel.LeakyReLUBack(dx, dy, y, slope) })
}

func (a Tanh) build(b *builder, x tensor) tensor {
	return elementwise(b, a, x, needValues, kernel.Tanh, kernel.TanhBack)
}

func (a Sigmoid) build(b *builder, x tensor) tensor {
	return elementwise(b, a, x, needValues, kernel.Sigmoid, kernel.SigmoidBack)
}

func (a GELU) build(b *builder, x tensor) tensor {
	return elementwise(b, a, x, needNothing, kernel.GELU, kernel.GELUBack)
}

func (a SiLU) build(b *builder, x tensor) tensor {
	return elementwise(b, a, x, needNothing, kernel.SiLU, kernel.SiLUBack)
}

// elementwise adds an activation. Its gradient needs the output or, where n is
// needNothing, the input.
func elementwise(b *builder, l Layer, x tensor, n need, f func(y, x []float32), df func(dx, dy, from []float32)) tensor {
	b.layer(l, x.shape, 0)
	o := fresh[activation](b)
	o.x, o.f, o.df = x, f, df
	if n == needNothing {
		o.y = b.output(x, x.shape, false, needNothing)
		o.y.grad = x.grad
		o.from = x.data
	} else {
		o.y = b.inPlace(x, n == needSign, n)
		o.from = o.y.data
	}
	b.add(o, []*block{x.data, o.y.data}, []*block{o.from, o.y.grad})
	return o.y
}

// activation is the op of all activations. It works on the gradient in place.
type activation struct {
	x, y tensor
	from *block // what df reads
	f    func(y, x []float32)
	df   func(dx, dy, from []float32)
}

func (o *activation) Bind() {}

func (o *activation) Forward(p pass) {
	n := p.rows * o.x.shape.Size()
	o.f(o.y.data.data[:n], o.x.data.data[:n])
}

func (o *activation) Backward(p pass) {
	if o.y.grad == nil {
		return
	}
	n := p.rows * o.x.shape.Size()
	dy := o.y.grad.data[:n]
	o.df(dy, dy, o.from.data[:n])
}
