package engine

import (
	"cmp"
	"fmt"

	"budwood/data"
	"budwood/engine/internal/plan"
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

func (a ReLU) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return elementwise(b, a, x, plan.NeedSign, kernel.ReLU, kernel.ReLUBack)
}

func (a LeakyReLU) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	slope := a.slope()
	return elementwise(b, a, x, plan.NeedSign,
		func(y, x []float32) { kernel.LeakyReLU(y, x, slope) },
		func(dx, dy, y []float32) { kernel.LeakyReLUBack(dx, dy, y, slope) })
}

func (a Tanh) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return elementwise(b, a, x, plan.NeedValues, kernel.Tanh, kernel.TanhBack)
}

func (a Sigmoid) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return elementwise(b, a, x, plan.NeedValues, kernel.Sigmoid, kernel.SigmoidBack)
}

func (a GELU) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return elementwise(b, a, x, plan.NeedNothing, kernel.GELU, kernel.GELUBack)
}

func (a SiLU) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	return elementwise(b, a, x, plan.NeedNothing, kernel.SiLU, kernel.SiLUBack)
}

// elementwise adds an activation. Its gradient needs the output or, where n is
// needNothing, the input.
func elementwise(b *plan.Builder, l Layer, x plan.Tensor, n plan.Need, f func(y, x []float32), df func(dx, dy, from []float32)) plan.Tensor {
	b.Layer(l, x.Shape, 0)
	o := plan.Fresh[activation](b)
	o.x, o.f, o.df = x, f, df
	if n == plan.NeedNothing {
		o.y = b.Output(x, x.Shape, false, plan.NeedNothing)
		o.y.Grad = x.Grad
		o.from = x.Data
	} else {
		o.y = b.InPlace(x, n == plan.NeedSign, n)
		o.from = o.y.Data
	}
	b.Add(o, []*plan.Block{x.Data, o.y.Data}, []*plan.Block{o.from, o.y.Grad})
	return o.y
}

// activation is the op of all activations. It works on the gradient in place.
type activation struct {
	x, y plan.Tensor
	from *plan.Block // what df reads
	f    func(y, x []float32)
	df   func(dx, dy, from []float32)
}

// costly reports whether it computes exponentials.
func (o *activation) costly() bool { return o.y.Need != plan.NeedSign }

func (o *activation) Bind() {}

func (o *activation) Forward(p plan.Pass) {
	n := p.Rows * o.x.Shape.Size()
	o.f(o.y.Data.Floats[:n], o.x.Data.Floats[:n])
}

func (o *activation) Backward(p plan.Pass) {
	if o.y.Grad == nil {
		return
	}
	n := p.Rows * o.x.Shape.Size()
	dy := o.y.Grad.Floats[:n]
	o.df(dy, dy, o.from.Floats[:n])
}
