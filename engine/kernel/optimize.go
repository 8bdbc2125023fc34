package kernel

import "math"

// Adam is one step of Adam on weights w with gradient g and moving averages m
// and v. Decay is added to the gradient (Adam), Shrink multiplies the weights
// first (AdamW: 1 − lr·decay; 1 for none). The assembly knows the order of the
// fields.
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
	var bad float32
	if vectors, n := whole(len(w)); vectors > 0 {
		var lane [lanes]float32
		adamVectors(&w[0], &g[0], &m[0], &v[0], a, &lane, vectors)
		bad = total(&lane)
		w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	}
	if odd(len(w)) {
		var room [4]rest
		ok := a.Step(room[0].fill(w), room[1].fill(g), room[2].fill(m), room[3].fill(v))
		copy(w, room[0][:])
		copy(m, room[2][:])
		copy(v, room[3][:])
		return ok && bad == 0
	}
	for i, x := range w {
		d := g[i] + a.Decay*x
		mi := a.Beta1*m[i] + a.Keep1*d
		vi := a.Beta2*v[i] + a.Keep2*d*d
		m[i], v[i] = mi, vi
		x = x*a.Shrink - a.Rate*mi/(float32(math.Sqrt(float64(vi)))*a.Correct+a.Eps)
		w[i] = x
		bad += x * 0
	}
	return bad == 0
}

// SGD is one step of gradient descent with momentum: b = μ·b + g, and the step
// goes along b, or along g + μ·b (Nesterov). The buffer b begins with 0.
type SGD struct {
	Rate, Momentum, Decay float32
	Nesterov              bool
}

// sgdFactors is SGD for the assembly, which knows the order of the fields: the
// step goes along own·g + share·b.
type sgdFactors struct{ rate, momentum, decay, own, share float32 }

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
	f := sgdFactors{rate: s.Rate, momentum: s.Momentum, decay: s.Decay, share: 1}
	if s.Nesterov {
		f.own, f.share = 1, s.Momentum
	}
	if vectors, n := whole(len(w)); vectors > 0 {
		var lane [lanes]float32
		sgdVectors(&w[0], &g[0], &b[0], &f, &lane, vectors)
		bad = total(&lane)
		w, g, b = w[n:], g[n:], b[n:]
	}
	if odd(len(w)) {
		var room [3]rest
		ok := s.Step(room[0].fill(w), room[1].fill(g), room[2].fill(b))
		copy(w, room[0][:])
		copy(b, room[2][:])
		return ok && bad == 0
	}
	for i, x := range w {
		d := g[i] + f.decay*x
		b[i] = f.momentum*b[i] + d
		x -= f.rate * (f.own*d + f.share*b[i])
		w[i] = x
		bad += x * 0
	}
	return bad == 0
}
