package kernel

import "math"

// LayerNorm normalises each row of x (rows×cols): y = (x − μ)·r·γ + β with
// r = 1/√(σ² + eps), where μ and the biased variance σ² are those of the row. It
// writes μ and r of each row to mean and inv. y and x may be the same slice. μ and σ²
// are those of a row of at least cols values, of which the others are 0.
func LayerNorm(y, x, gamma, beta, mean, inv []float32, rows, cols, of int, eps float32) {
	y, x, gamma, beta = y[:rows*cols], x[:rows*cols], gamma[:cols], beta[:cols]
	mean, inv = mean[:rows], inv[:rows]
	if vectorRows(rows, cols) {
		share := [2]float32{1 / float32(of), eps}
		layerNormRows(&y[0], &x[0], &gamma[0], &beta[0], &mean[0], &inv[0], &share, 4*cols, rows)
		if of > cols {
			addZeros(y, beta, mean, inv, float32(of-cols)/float32(of))
		}
		return
	}
	for i := range rows {
		xr, yr := x[i*cols:(i+1)*cols], y[i*cols:(i+1)*cols]
		m := float32(sum(xr) / float64(of))
		var square float64
		for _, v := range xr {
			d := float64(v - m)
			square += d * d
		}
		square += float64(of-cols) * float64(m) * float64(m)
		r := float32(1 / math.Sqrt(square/float64(of)+float64(eps)))
		mean[i], inv[i] = m, r
		for j, v := range xr {
			yr[j] = (v-m)*r*gamma[j] + beta[j]
		}
	}
}

// addZeros corrects rows whose variance is without that of the values that are not
// there, a share of all, each of which is 0: μ² a value.
func addZeros(y, beta, mean, inv []float32, share float32) {
	cols := len(beta)
	for i, m := range mean {
		was := inv[i]
		inv[i] = float32(1 / math.Sqrt(1/float64(was*was)+float64(share*m*m)))
		Lerp(y[i*cols:(i+1)*cols], beta, 1-inv[i]/was)
	}
}

// LayerNormBack is the backward pass of [LayerNorm]. With x̂ = (x − μ)·r and
// g = dy·γ it writes dγ = Σ dy·x̂ and dβ = Σ dy over the rows, and for each row
// dx = r·(g − mean g − x̂·mean(g·x̂)). dx may be dy.
func LayerNormBack(dx, dgamma, dbeta, dy, x, gamma, mean, inv []float32, rows, cols, of int) {
	dy, x, gamma = dy[:rows*cols], x[:rows*cols], gamma[:cols]
	dgamma, dbeta = dgamma[:cols], dbeta[:cols]
	dx, mean, inv = dx[:rows*cols], mean[:rows], inv[:rows]
	clear(dgamma)
	clear(dbeta)
	if vectorRows(rows, cols) {
		share := 1 / float32(of)
		layerNormBackRows(&dx[0], &dy[0], &x[0], &gamma[0], &mean[0], &inv[0], &dgamma[0], &dbeta[0], &share, 4*cols, rows)
		return
	}
	for i := range rows {
		xr, dyr := x[i*cols:(i+1)*cols], dy[i*cols:(i+1)*cols]
		m, r := mean[i], inv[i]
		var all, dot float64
		for j, d := range dyr {
			h := (xr[j] - m) * r
			dgamma[j] += d * h
			dbeta[j] += d
			g := d * gamma[j]
			all += float64(g)
			dot += float64(g * h)
		}
		a, b := float32(all/float64(of)), float32(dot/float64(of))
		dxr := dx[i*cols : (i+1)*cols]
		for j, d := range dyr {
			dxr[j] = r * (d*gamma[j] - a - (xr[j]-m)*r*b)
		}
	}
}

// vectorRows reports whether the rows consist of whole vectors.
func vectorRows(rows, cols int) bool {
	w := width()
	return rows > 0 && w > 0 && cols > 0 && cols%w == 0
}

// sum is Σ x in float64.
func sum(x []float32) (s float64) {
	for _, v := range x {
		s += float64(v)
	}
	return s
}
