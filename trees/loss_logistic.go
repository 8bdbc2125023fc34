package trees

import "math"

// logistic is the cross-entropy of two classes. The margin is the log-odds of class 1.
var logistic = loss{
	classes: true,
	start: func(_ *Config, y *Target, n int) []float64 {
		return []float64{logit(y.mean(n, func(i int) float64 { return float64(y.Class[i]) }))}
	},
	derive: func(_ *Config, y *Target, f []float64, _ int, out []grad) {
		for i := range out {
			p := sigmoid(f[i])
			g, h := p-float64(y.Class[i]), max(p*(1-p), leastH)
			if y.Weight != nil {
				g, h = g*float64(y.Weight[i]), h*float64(y.Weight[i])
			}
			out[i] = grad{float32(g), float32(h)}
		}
	},
	of: func(_ *Config, y *Target, f []float64) float64 {
		return y.mean(len(f), func(i int) float64 {
			m := f[i]
			if y.Class[i] == 1 {
				m = -m
			}
			if m > 0 { // log(1 + exp(m))
				return m + math.Log1p(math.Exp(-m))
			}
			return math.Log1p(math.Exp(m))
		})
	},
	link: func(f, out []float64) { out[1] = sigmoid(f[0]); out[0] = 1 - out[1] },
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
