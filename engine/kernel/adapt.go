package kernel

import "math"

// StepMax is Step with the largest v so far, in top, in the place of v (AMSGrad).
func (a *Adam) StepMax(w, g, m, v, top []float32) bool {
	g, m, v, top = g[:len(w)], m[:len(w)], v[:len(w)], top[:len(w)]
	var bad float32
	if vectors, n := whole(len(w)); vectors > 0 {
		var lane [lanes]float32
		amsgradVectors(&w[0], &g[0], &m[0], &v[0], &top[0], a, &lane, vectors)
		bad = total(&lane)
		w, g, m, v, top = w[n:], g[n:], m[n:], v[n:], top[n:]
	}
	if odd(len(w)) {
		var room [5]rest
		ok := a.StepMax(room[0].fill(w), room[1].fill(g), room[2].fill(m), room[3].fill(v), room[4].fill(top))
		copy(w, room[0][:])
		copy(m, room[2][:])
		copy(v, room[3][:])
		copy(top, room[4][:])
		return ok && bad == 0
	}
	for i, x := range w {
		d := g[i] + a.Decay*x
		m[i] = a.Beta1*m[i] + a.Keep1*d
		v[i] = a.Beta2*v[i] + a.Keep2*d*d
		top[i] = max(top[i], v[i])
		x = x*a.Shrink - a.Rate*m[i]/(root(top[i])*a.Correct+a.Eps)
		w[i] = x
		bad += x * 0
	}
	return bad == 0
}

// RMSprop is one step along g/(√v + ε), where v is a moving average of g², or
// of g² less the square of the average of g (centred); with momentum, along a
// buffer b of such steps. Decay is added to the gradient. The assembly knows the
// order of the fields.
type RMSprop struct {
	Alpha, Keep float32 // of the averages; Keep is 1 − α
	Rate        float32
	Momentum    float32
	Eps         float32
	Decay       float32
}

// Step updates w and v, and mean and b unless they are nil: mean makes the
// average centred, b is the buffer of the momentum. It reports whether all new
// weights are finite.
func (s *RMSprop) Step(w, g, v, mean, b []float32) bool {
	g, v = g[:len(w)], v[:len(w)]
	var bad float32
	vectors, n := whole(len(w))
	if vectors > 0 {
		var lane [lanes]float32
		switch {
		case mean != nil && b != nil:
			rmspropCenteredMomentumVectors(&w[0], &g[0], &v[0], &mean[0], &b[0], s, &lane, vectors)
		case mean != nil:
			rmspropCenteredVectors(&w[0], &g[0], &v[0], &mean[0], s, &lane, vectors)
		case b != nil:
			rmspropMomentumVectors(&w[0], &g[0], &v[0], &b[0], s, &lane, vectors)
		default:
			rmspropVectors(&w[0], &g[0], &v[0], s, &lane, vectors)
		}
		bad = total(&lane)
		w, g, v = w[n:], g[n:], v[n:]
		if mean != nil {
			mean = mean[n:]
		}
		if b != nil {
			b = b[n:]
		}
	}
	if odd(len(w)) {
		var room [5]rest
		var averages, buffer []float32
		if mean != nil {
			averages = room[3].fill(mean)
		}
		if b != nil {
			buffer = room[4].fill(b)
		}
		ok := s.Step(room[0].fill(w), room[1].fill(g), room[2].fill(v), averages, buffer)
		copy(w, room[0][:])
		copy(v, room[2][:])
		copy(mean, averages)
		copy(b, buffer)
		return ok && bad == 0
	}
	for i, x := range w {
		d := g[i] + s.Decay*x
		v[i] = s.Alpha*v[i] + s.Keep*d*d
		q := v[i]
		if mean != nil {
			mean[i] = s.Alpha*mean[i] + s.Keep*d
			q = max(q-mean[i]*mean[i], 0)
		}
		d /= root(q) + s.Eps
		if b != nil {
			d += s.Momentum * b[i]
			b[i] = d
		}
		x -= s.Rate * d
		w[i] = x
		bad += x * 0
	}
	return bad == 0
}

// AdaGrad is one step along g/(√s + ε), where s is the sum of all g². Decay is
// added to the gradient. The assembly knows the order of the fields.
type AdaGrad struct{ Rate, Eps, Decay float32 }

// Step updates w and sum. It reports whether all new weights are finite.
func (s *AdaGrad) Step(w, g, sum []float32) bool {
	g, sum = g[:len(w)], sum[:len(w)]
	var bad float32
	if vectors, n := whole(len(w)); vectors > 0 {
		var lane [lanes]float32
		adagradVectors(&w[0], &g[0], &sum[0], s, &lane, vectors)
		bad = total(&lane)
		w, g, sum = w[n:], g[n:], sum[n:]
	}
	if odd(len(w)) {
		var room [3]rest
		ok := s.Step(room[0].fill(w), room[1].fill(g), room[2].fill(sum))
		copy(w, room[0][:])
		copy(sum, room[2][:])
		return ok && bad == 0
	}
	for i, x := range w {
		d := g[i] + s.Decay*x
		sum[i] += d * d
		x -= s.Rate * d / (root(sum[i]) + s.Eps)
		w[i] = x
		bad += x * 0
	}
	return bad == 0
}

// AdaBound is one step of Adam whose rate for each weight, Rate/(√v + ε), is
// limited to [Low, High]. Decay is added to the gradient. The assembly knows the
// order of the fields.
type AdaBound struct {
	Beta1, Beta2 float32
	Rate         float32 // lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ)
	Eps          float32
	Decay        float32
	Low, High    float32
}

// Step updates w, m and v. It reports whether all new weights are finite.
func (s *AdaBound) Step(w, g, m, v []float32) bool {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	var bad float32
	if vectors, n := whole(len(w)); vectors > 0 {
		var lane [lanes]float32
		adaboundVectors(&w[0], &g[0], &m[0], &v[0], s, &lane, vectors)
		bad = total(&lane)
		w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	}
	if odd(len(w)) {
		var room [4]rest
		ok := s.Step(room[0].fill(w), room[1].fill(g), room[2].fill(m), room[3].fill(v))
		copy(w, room[0][:])
		copy(m, room[2][:])
		copy(v, room[3][:])
		return ok && bad == 0
	}
	for i, x := range w {
		d := g[i] + s.Decay*x
		m[i] = s.Beta1*(m[i]-d) + d
		d *= d
		v[i] = max(s.Beta2*(v[i]-d)+d, 0)
		x -= min(max(s.Rate/(root(v[i])+s.Eps), s.Low), s.High) * m[i]
		w[i] = x
		bad += x * 0
	}
	return bad == 0
}

func root(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// Lerp moves dst towards a: dst += s·(a − dst).
func Lerp(dst, a []float32, s float32) {
	a = a[:len(dst)]
	if v, n := whole(len(dst)); v > 0 {
		lerpVectors(&dst[0], &a[0], &s, v)
		dst, a = dst[n:], a[n:]
	}
	if odd(len(dst)) {
		var room [2]rest
		Lerp(room[0].fill(dst), room[1].fill(a), s)
		copy(dst, room[0][:])
		return
	}
	for i, v := range a {
		dst[i] += s * (v - dst[i])
	}
}

// Clamp limits the values of x to [−limit, limit]; NaN stays.
func Clamp(x []float32, limit float32) {
	if v, n := whole(len(x)); v > 0 {
		clampVectors(&x[0], &limit, v)
		x = x[n:]
	}
	for i, v := range x {
		x[i] = max(min(v, limit), -limit)
	}
}
