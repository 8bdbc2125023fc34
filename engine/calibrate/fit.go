package calibrate

// bounded is the non-negative least squares fit of relative errors: the amounts c ≥
// floors for which Σ (Σⱼ cⱼ·xⱼ / y − 1)² over the rows (x, y) is least, by coordinate
// descent.
func bounded(x [][]float64, y, floors []float64) []float64 {
	n := len(floors)
	c := append([]float64(nil), floors...)
	norm := make([]float64, n)
	left := make([]float64, len(y)) // 1 − the prediction / y
	for i := range y {
		left[i] = 1
		for j, v := range x[i] {
			norm[j] += v / y[i] * (v / y[i])
			left[i] -= c[j] * v / y[i]
		}
	}
	for range 20000 {
		moved := 0.
		for j := range c {
			if norm[j] == 0 {
				continue
			}
			g := 0.
			for i := range y {
				g += left[i] * x[i][j] / y[i]
			}
			to := max(floors[j], c[j]+g/norm[j])
			d := to - c[j]
			if d == 0 {
				continue
			}
			for i := range y {
				left[i] -= d * x[i][j] / y[i]
			}
			c[j] = to
			moved = max(moved, d*d*norm[j])
		}
		if moved < 1e-14 {
			break
		}
	}
	return c
}
