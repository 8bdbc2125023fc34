package scheduler

import "math"

// curveModel extrapolates learning curves: a small Bayesian ensemble over shapes
// that Domhan et al. (2015, Table 1) found useful. A curve of losses is
//
//	y(b) = c + a·φ(b) + ε,   ε ~ N(0, σ²),
//
// with φ falling from 1 towards 0 as a power, an exponential or an inverse
// logarithm of the budget, or late, as a Hill curve, each with a few rates, and a
// few noises σ. Given φ and σ the model is linear in c and a: with normal priors,
// of two widths so that a curve may surprise, the posterior, the evidence and the
// prediction are in closed form, and all components together take microseconds
// where the original samples by MCMC. The prior weight of a component is learned
// from the curves that are complete (one step of EM each).
type curveModel struct {
	budgets []float64 // of the points of a curve; the last one is where it ends
	centre  float64   // prior mean of c
	fall    float64   // prior mean of a
	scale   float64   // prior standard deviation of c and a; σ is a share of it
	weight  []float64 // of each component; nil: equal
}

// The components are every shape with every noise.
var (
	curvePowers = [...]float64{.25, .5, 1, 2}
	curveTaus   = [...]float64{.05, .15, .5}           // in full budgets
	curveHills  = [...]float64{.05, .1, .2, .4, .8}    // half-way points, likewise
	curveNoises = [...]float64{.003, .01, .03, .1, .3} // in scales
	curveWidths = [...]float64{1, 6}                   // likewise
)

const (
	curveShapes     = len(curvePowers) + len(curveTaus) + len(curveHills) + 1
	curveComponents = curveShapes * len(curveNoises) * len(curveWidths)
)

// shape is φ number s at budget b of a curve from first to full.
func shape(s int, b, first, full float64) float64 {
	if s < len(curvePowers) {
		return math.Pow(b/first, -curvePowers[s])
	}
	if s -= len(curvePowers); s < len(curveTaus) {
		return math.Exp((first - b) / (full * curveTaus[s]))
	}
	if s -= len(curveTaus); s < len(curveHills) {
		k := full * curveHills[s]
		return (1 + math.Pow(first/k, 4)) / (1 + math.Pow(b/k, 4))
	}
	return 1 / math.Log(b/first+math.E-1)
}

// forecast is what a curve will end at: a mixture of normal distributions.
type forecast struct{ weight, mean, sd []float64 }

// extrapolate reads the first points of a curve.
func (m *curveModel) extrapolate(y []float64) forecast {
	f := forecast{make([]float64, curveComponents), make([]float64, curveComponents), make([]float64, curveComponents)}
	first, full := m.budgets[0], m.budgets[len(m.budgets)-1]
	top, k := math.Inf(-1), 0
	for s := range curveShapes { // in units of the scale
		// Sums over the points: of φ, φ², the residual r of the prior mean, rφ, r².
		var p1, p2, r1, rp, r2 float64
		for i, v := range y {
			phi := shape(s, m.budgets[i], first, full)
			r := (v - m.centre - m.fall*phi) / m.scale
			p1, p2, r1, rp, r2 = p1+phi, p2+phi*phi, r1+r, rp+r*phi, r2+r*r
		}
		end := shape(s, full, first, full)
		n := float64(len(y))
		for _, noise := range curveNoises {
			for _, width := range curveWidths {
				v, prior := noise*noise, 1/(width*width)
				// Precision matrix ((A, B), (B, C)) of c and a, and its determinant.
				a, b, c := prior+n/v, p1/v, prior+p2/v
				det := a*c - b*b
				dc, da := (c*r1-b*rp)/v/det, (a*rp-b*r1)/v/det
				f.mean[k] = m.centre + m.fall*end + m.scale*(dc+da*end)
				f.sd[k] = m.scale * math.Sqrt(max((c-2*b*end+a*end*end)/det, 0)+v)
				f.weight[k] = -.5 * (n*math.Log(2*math.Pi*v) + (r2-dc*r1-da*rp)/v + math.Log(det) - 2*math.Log(prior))
				if m.weight != nil {
					f.weight[k] += math.Log(m.weight[k])
				}
				top = max(top, f.weight[k])
				k++
			}
		}
	}
	sum := 0.
	for k, w := range f.weight {
		f.weight[k] = math.Exp(w - top)
		sum += f.weight[k]
	}
	for k := range f.weight {
		f.weight[k] /= sum
	}
	return f
}

// below is the probability that the curve ends below a bound.
func (f forecast) below(bound float64) float64 {
	p := 0.
	for k, w := range f.weight {
		p += w * normal((bound-f.mean[k])/f.sd[k])
	}
	return p
}

// normal is the distribution function of the standard normal.
func normal(x float64) float64 {
	if x > 8 {
		return 1
	}
	if x < -8 {
		return 0
	}
	return .5 * math.Erfc(-x/math.Sqrt2)
}

// moments are the mean and the standard deviation of the end.
func (f forecast) moments() (mean, sd float64) {
	for k, w := range f.weight {
		mean += w * f.mean[k]
	}
	v := 0.
	for k, w := range f.weight {
		d := f.mean[k] - mean
		v += w * (f.sd[k]*f.sd[k] + d*d)
	}
	return mean, math.Sqrt(v)
}
