package engine

import (
	"math"
	"math/rand/v2"

	"budwood/data"
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

func (e Positional) build(b *builder, x tensor) tensor {
	b.layer(e, x.shape, 0)
	steps, features := x.shape[0], x.shape[1]
	o := &positional{x: x, learned: e.Learned}
	if e.Learned {
		o.w = b.param("weight", initial(Normal{}, steps, features, 1), steps, features)
	} else {
		o.w = b.table(filler{init: sinusoidal{}, rows: steps, cols: features}, steps, features)
	}
	if o.y = b.inPlace(x, false, needNothing); o.y.grad == nil && e.Learned {
		o.y.grad = b.block(x.shape.Size())
	}
	b.add(o, []*block{x.data, o.y.data}, []*block{o.y.grad})
	return o.y
}

// positional is the op of Positional.
type positional struct {
	x, y    tensor
	learned bool
	w       *param // steps × features
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

func (o *positional) Forward(p pass) {
	n := o.x.shape.Size()
	x, y := o.x.data.data[:p.rows*n], o.y.data.data[:p.rows*n]
	if o.y.data != o.x.data {
		copy(y, x)
	}
	for i := range p.rows {
		kernel.Add(y[i*n:(i+1)*n], o.w.w)
	}
}

func (o *positional) Backward(p pass) {
	if o.learned {
		kernel.ColSum(o.w.g, o.y.grad.data, p.rows, o.x.shape.Size())
	}
}
