package engine

import (
	"math"

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
func (e Positional) Infer(in Shape) (Shape, error) { return in, sequence(e, in) }

// String is Positional(sinusoidal) or Positional(learned).
func (e Positional) String() string {
	if e.Learned {
		return "Positional(learned)"
	}
	return "Positional(sinusoidal)"
}

func (e Positional) build(b *builder, x tensor) tensor {
	b.layer(e, x.shape, 0)
	o := &positional{x: x}
	y := x
	if e.Learned {
		o.w = b.param("weight", initial(Normal{}, x.shape[0], x.shape[1], 1), x.shape[0], x.shape[1])
	} else {
		o.table = b.scratch(int64(x.shape.Size()))
		touch(0, o.table)
		touch(backward, o.table) // nothing else may use its memory
	}
	if y = b.inPlace(x, false, needNothing); y.grad == nil && e.Learned {
		y.grad = b.block(x.shape.Size())
	}
	o.y = y
	b.add(o, []*block{x.data, y.data}, []*block{y.grad})
	return y
}

// positional is the op of Positional.
type positional struct {
	x, y  tensor
	w     *param // learned
	table *block // sinusoidal
}

func (o *positional) bind() {
	if o.table != nil {
		sinusoids(o.table.data, o.x.shape[1])
	}
}

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

func (o *positional) forward(p pass) {
	n := o.x.shape.Size()
	x, y := o.x.data.data[:p.rows*n], o.y.data.data[:p.rows*n]
	if o.y.data != o.x.data {
		copy(y, x)
	}
	for i := range p.rows {
		if o.w != nil {
			kernel.Add(y[i*n:(i+1)*n], o.w.w)
		} else {
			kernel.Add(y[i*n:(i+1)*n], o.table.data)
		}
	}
}

func (o *positional) backward(p pass) {
	if o.w != nil {
		kernel.ColSum(o.w.g, o.y.grad.data, p.rows, o.x.shape.Size())
	}
}
