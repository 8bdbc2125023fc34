package engine

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"

	"budwood/engine/internal/plan"
)

// Init says how the weights of a layer begin: [Kaiming], [Xavier], [Orthogonal],
// [Normal] or [Zeros]. Biases begin at 0.
//
// fan-in is the number of inputs of one output, fan-out the number of outputs of
// one input. The gain makes up for the activation behind the layer: √2 for ReLU,
// LeakyReLU, GELU, SiLU, Clip and HardSwish, which cut off about half of their input, else 1.
type Init interface {
	// String is its name.
	String() string
	// Fill sets a matrix of rows (inputs of one output) × cols (outputs).
	Fill(r *rand.Rand, w []float32, rows, cols int, gain float64)
}

// Kaiming keeps the variance of the values through the layers (He et al. 2015):
// a deviation of gain/√fan-in. It is the default.
type Kaiming struct {
	FanOut  bool // gain/√fan-out instead: keeps the variance of the gradients
	Uniform bool // a uniform instead of a normal distribution, of the same deviation
}

// Xavier compromises between values and gradients (Glorot & Bengio 2010): a
// deviation of gain·√(2/(fan-in + fan-out)).
type Xavier struct {
	Uniform bool // a uniform instead of a normal distribution, of the same deviation
}

// Orthogonal makes the columns orthogonal, or the rows if there are fewer, each
// of length gain (Saxe et al. 2014).
type Orthogonal struct{}

// Normal is a normal distribution whatever the size of the layer.
type Normal struct {
	Std float64 // 0 means 0.02
}

// Zeros starts at 0, as the last layer of a residual branch may.
type Zeros struct{}

// String is Kaiming.
func (Kaiming) String() string { return "Kaiming" }

// String is Xavier.
func (Xavier) String() string { return "Xavier" }

// String is Orthogonal.
func (Orthogonal) String() string { return "Orthogonal" }

// String is Normal(Std).
func (n Normal) String() string { return fmt.Sprintf("Normal(%g)", cmp.Or(n.Std, 0.02)) }

// String is Zeros.
func (Zeros) String() string { return "Zeros" }

// initial fills a weight of rows × cols; nil means Kaiming.
func initial(i Init, rows, cols int, gain float64) plan.Filler {
	if i == nil {
		i = Kaiming{}
	}
	return plan.Filler{Init: i, Rows: rows, Cols: cols, Gain: gain}
}

// zeros and ones are what biases and scales begin at.
var zeros, ones = plan.Filler{Init: Zeros{}}, plan.Filler{Init: allOnes{}}

type allOnes struct{ Zeros }

func (allOnes) Fill(_ *rand.Rand, w []float32, _, _ int, _ float64) {
	for i := range w {
		w[i] = 1
	}
}

// Fill implements [Init].
func (k Kaiming) Fill(r *rand.Rand, w []float32, rows, cols int, gain float64) {
	fan := rows
	if k.FanOut {
		fan = cols
	}
	random(r, w, gain/math.Sqrt(float64(fan)), k.Uniform)
}

// Fill implements [Init].
func (x Xavier) Fill(r *rand.Rand, w []float32, rows, cols int, gain float64) {
	random(r, w, gain*math.Sqrt(2/(float64(rows)+float64(cols))), x.Uniform)
}

// Fill implements [Init].
func (n Normal) Fill(r *rand.Rand, w []float32, _, _ int, _ float64) {
	random(r, w, cmp.Or(n.Std, 0.02), false)
}

// Fill implements [Init].
func (Zeros) Fill(_ *rand.Rand, w []float32, _, _ int, _ float64) { clear(w) }

// Fill makes a random matrix orthonormal by Gram and Schmidt, twice for
// accuracy.
func (Orthogonal) Fill(r *rand.Rand, w []float32, rows, cols int, gain float64) {
	few, many := min(rows, cols), max(rows, cols)
	q := make([]float64, few*many)
	for i := range few {
		v := q[i*many : (i+1)*many]
		for j := range v {
			v[j] = r.NormFloat64()
		}
		for range 2 {
			for k := range i {
				u := q[k*many : (k+1)*many]
				var dot float64
				for j, x := range u {
					dot += x * v[j]
				}
				for j, x := range u {
					v[j] -= dot * x
				}
			}
			var square float64
			for _, x := range v {
				square += x * x
			}
			for j := range v {
				v[j] /= math.Sqrt(square)
			}
		}
	}
	for i := range w {
		a, b := i/cols, i%cols // row and column
		if rows < cols {
			a, b = b, a
		}
		w[i] = float32(gain * q[b*many+a])
	}
}

// random fills with numbers of mean 0 and a deviation.
func random(r *rand.Rand, w []float32, deviation float64, uniform bool) {
	for i := range w {
		if uniform {
			w[i] = float32(deviation * math.Sqrt(3) * (2*r.Float64() - 1))
		} else {
			w[i] = float32(deviation * r.NormFloat64())
		}
	}
}
