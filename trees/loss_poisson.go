package trees

import "math"

// poisson is the negative log-likelihood of counts, without what does not depend on the
// prediction: exp(f) − y·f. The second derivative is exp(f + 0.7), as in XGBoost, which
// keeps steps small where the prediction is far too low.
var poisson = loss{
	start: func(_ *Config, y *Target, n int) []float64 {
		return []float64{math.Log(max(y.mean(n, func(i int) float64 { return float64(y.Value[i]) }), 1e-9))}
	},
	derive: func(_ *Config, y *Target, f []float64, _ int, out []grad) {
		for i := range out {
			w, e := y.weight(i), math.Exp(min(f[i], 80))
			out[i] = grad{float32(w * (e - float64(y.Value[i]))), float32(w * e * poissonStep)}
		}
	},
	of: func(_ *Config, y *Target, f []float64) float64 {
		return y.mean(len(f), func(i int) float64 { return math.Exp(min(f[i], 80)) - float64(y.Value[i])*f[i] })
	},
	link: func(f, out []float64) { out[0] = math.Exp(min(f[0], 700)) },
}

var poissonStep = math.Exp(.7)
