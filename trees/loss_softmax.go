package trees

import "math"

// softmax is the cross-entropy of several classes; a round grows a tree for each. The
// second derivative is 2·p(1 − p), as in XGBoost, a bound of the whole matrix for a step
// of each class by itself.
var softmax = loss{
	classes: true,
	start: func(c *Config, y *Target, n int) []float64 {
		out := make([]float64, c.Classes)
		for k := range out {
			out[k] = math.Log(max(y.mean(n, func(i int) float64 {
				if int(y.Class[i]) == k {
					return 1
				}
				return 0
			}), 1e-9))
		}
		return out
	},
	derive: func(c *Config, y *Target, p []float64, output int, out []grad) {
		for i := range out { // p are the probabilities: see Booster.derive
			q := p[i*c.Classes+output]
			g, h := q, max(2*q*(1-q), leastH)
			if int(y.Class[i]) == output {
				g--
			}
			if y.Weight != nil {
				g, h = g*float64(y.Weight[i]), h*float64(y.Weight[i])
			}
			out[i] = grad{float32(g), float32(h)}
		}
	},
	of: func(c *Config, y *Target, f []float64) float64 {
		return y.mean(len(y.Class), func(i int) float64 {
			row := f[i*c.Classes:][:c.Classes]
			top, sum := row[0], 0.
			for _, v := range row {
				top = max(top, v)
			}
			for _, v := range row {
				sum += math.Exp(v - top)
			}
			return top + math.Log(sum) - row[y.Class[i]]
		})
	},
	link: shares,
}

// shares is the softmax of the margins of a row.
func shares(f, out []float64) {
	top, sum := f[0], 0.
	for _, v := range f {
		top = max(top, v)
	}
	for k, v := range f {
		out[k] = math.Exp(v - top)
		sum += out[k]
	}
	for k := range out {
		out[k] /= sum
	}
}
