package trees

// squared is half of the squared error, whose mean is what it is reported as: (f − y)².
var squared = loss{
	start: func(_ *Config, y *Target, n int) []float64 {
		return []float64{y.mean(n, func(i int) float64 { return float64(y.Value[i]) })}
	},
	derive: func(_ *Config, y *Target, f []float64, _ int, out []grad) {
		if y.Weight == nil {
			for i, v := range y.Value {
				out[i] = grad{float32(f[i] - float64(v)), 1}
			}
			return
		}
		for i, v := range y.Value {
			w := float64(y.Weight[i])
			out[i] = grad{float32(w * (f[i] - float64(v))), float32(w)}
		}
	},
	of: func(_ *Config, y *Target, f []float64) float64 {
		return y.mean(len(f), func(i int) float64 { d := f[i] - float64(y.Value[i]); return d * d })
	},
	link: same,
}
