package engine

import (
	"math"
	"math/rand/v2"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Positional adds to each step of {steps, features} a vector that depends on its
// position alone: sinusoids of wavelengths from 2π to 10000·2π, sin in the even
// features and cos in the odd ones (Vaswani et al. 2017, section 3.5), or
// trained numbers.
type Positional struct {
	Learned bool // trained, from a normal distribution of deviation 0.02
}

// Infer gives the input shape.
func (e Positional) Infer(in data.Shape) (data.Shape, error) { return in, sequence(e, in) }

// String is Positional(sinusoidal) or Positional(learned).
func (e Positional) String() string {
	if e.Learned {
		return "Positional(learned)"
	}
	return "Positional(sinusoidal)"
}

func (e Positional) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	b.Layer(e, x.Shape, 0)
	steps, features := x.Shape[0], x.Shape[1]
	o := &positional{x: x, learned: e.Learned}
	if e.Learned {
		o.w = b.Param("weight", initial(Normal{}, steps, features, 1), steps, features)
	} else {
		o.w = b.Table(plan.Filler{Init: sinusoidal{}, Rows: steps, Cols: features}, steps, features)
	}
	if o.y = b.InPlace(x, false, plan.NeedNothing); o.y.Grad == nil && e.Learned {
		o.y.Grad = b.Block(x.Shape.Size())
	}
	b.Add(o, []*plan.Block{x.Data, o.y.Data}, []*plan.Block{o.y.Grad})
	return o.y
}

// positional is the op of Positional.
type positional struct {
	x, y    plan.Tensor
	learned bool
	w       *plan.Param // steps × features
}

func (o *positional) Bind() {}

// Sinusoids is what a sinusoidal [Positional] adds: steps × features, row-major.
func Sinusoids(steps, features int) []float32 {
	table := make([]float32, steps*features)
	sinusoids(table, features)
	return table
}

// sinusoidal is the table of positions as initial values.
type sinusoidal struct{ Zeros }

func (sinusoidal) Fill(_ *rand.Rand, w []float32, _, features int, _ float64) { sinusoids(w, features) }

// sinusoids fills rows of features: sin(t/10000^(2i/features)) in feature 2i,
// the cosine of the same in 2i+1.
func sinusoids(table []float32, features int) {
	for i := range table {
		t, f := i/features, i%features
		angle := float64(t) / math.Pow(10000, float64(f-f%2)/float64(features))
		if f%2 == 0 {
			table[i] = float32(math.Sin(angle))
		} else {
			table[i] = float32(math.Cos(angle))
		}
	}
}

func (o *positional) Forward(p plan.Pass) {
	n := o.x.Shape.Size()
	x, y := o.x.Data.Floats[:p.Rows*n], o.y.Data.Floats[:p.Rows*n]
	if o.y.Data != o.x.Data {
		copy(y, x)
	}
	for i := range p.Rows {
		kernel.Add(y[i*n:(i+1)*n], o.w.W)
	}
}

func (o *positional) Backward(p plan.Pass) {
	if o.learned {
		kernel.ColSum(o.w.G, o.y.Grad.Floats, p.Rows, o.x.Shape.Size())
	}
}
