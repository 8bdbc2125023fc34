package kernel

import "math"

// Adam is one step of Adam on weights w with gradient g and moving averages m
// and v. Decay is added to the gradient (Adam), Shrink multiplies the weights
// first (AdamW: 1 − lr·decay; 1 for none).
type Adam struct {
	Beta1, Beta2 float32
	Keep1, Keep2 float32 // 1 − β₁, 1 − β₂
	Rate         float32 // lr / (1 − β₁ᵗ)
	Correct      float32 // 1 / √(1 − β₂ᵗ)
	Eps          float32
	Decay        float32
	Shrink       float32
}

// Step updates w, m and v. It reports whether all new weights are finite.
func (a *Adam) Step(w, g, m, v []float32) bool {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	b1, b2 := a.Beta1, a.Beta2
	c1, c2 := a.Keep1, a.Keep2
	var bad float32
	for i, x := range w {
		d := g[i] + a.Decay*x
		mi := b1*m[i] + c1*d
		vi := b2*v[i] + c2*d*d
		m[i], v[i] = mi, vi
		x = x*a.Shrink - a.Rate*mi/(float32(math.Sqrt(float64(vi)))*a.Correct+a.Eps)
		w[i] = x
		bad += x * 0
	}
	return bad == 0
}

// SGD is one step of gradient descent with momentum: b = μ·b + g, and the step
// goes along b, or along g + μ·b (Nesterov).
type SGD struct {
	Rate, Momentum, Decay float32
	Nesterov              bool
	First                 bool // b = g: the buffer holds nothing yet
}

// Step updates w and, with momentum, b. It reports whether all new weights are
// finite.
func (s *SGD) Step(w, g, b []float32) bool {
	g = g[:len(w)]
	var bad float32
	if s.Momentum == 0 {
		for i, x := range w {
			x -= s.Rate * (g[i] + s.Decay*x)
			w[i] = x
			bad += x * 0
		}
		return bad == 0
	}
	b = b[:len(w)]
	for i, x := range w {
		d := g[i] + s.Decay*x
		bi := d
		if !s.First {
			bi += s.Momentum * b[i]
		}
		b[i] = bi
		if s.Nesterov {
			bi = d + s.Momentum*bi
		}
		x -= s.Rate * bi
		w[i] = x
		bad += x * 0
	}
	return bad == 0
}
