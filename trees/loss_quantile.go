package trees

import "math"

// quantileLoss is the pinball loss, whose minimum is the quantile Alpha (Koenker & Bassett 1978).
// Its second derivative is 0: trees are grown as if it were 1, and each leaf then takes
// the quantile of its residuals (Friedman 2001, algorithm 3).
var quantileLoss = pinball(func(c *Config) float64 { return c.Alpha }, 1)

// absolute is the absolute error: twice the pinball loss of the median.
var absolute = pinball(func(*Config) float64 { return .5 }, 2)

func pinball(alpha func(*Config) float64, times float64) loss {
	return loss{
		start: func(c *Config, y *Target, n int) []float64 {
			values := make([]float64, n)
			for i := range values {
				values[i] = float64(y.Value[i])
			}
			return []float64{atQuantile(alpha(c), values, y.weight)}
		},
		derive: func(c *Config, y *Target, f []float64, _ int, out []grad) {
			a := alpha(c)
			for i := range out {
				w, d := y.weight(i), f[i]-float64(y.Value[i])
				g := 0.
				if d > 0 {
					g = times * (1 - a)
				} else if d < 0 {
					g = -times * a
				}
				out[i] = grad{float32(w * g), float32(w)}
			}
		},
		of: func(c *Config, y *Target, f []float64) float64 {
			a := alpha(c)
			return y.mean(len(f), func(i int) float64 {
				d := float64(y.Value[i]) - f[i]
				return times * math.Max(a*d, (a-1)*d)
			})
		},
		quantile: alpha,
		link:     same,
	}
}
