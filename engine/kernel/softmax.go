package kernel

import "math"

// CrossEntropy treats each row of x (rows×cols) as logits. It writes
// d = scale·(softmax(x) − target), the gradient of the scaled cross-entropy,
// and returns the sum over the rows of −Σ target·log softmax(x). The target has
// 1−smooth on the row's class and smooth spread evenly over all columns. d and x
// may be the same slice.
func CrossEntropy(d, x []float32, class []int32, rows, cols int, smooth, scale float32) float64 {
	d, x = d[:rows*cols], x[:rows*cols]
	var loss float64
	for i := range rows {
		xr, dr := x[i*cols:(i+1)*cols], d[i*cols:(i+1)*cols]
		dr = dr[:len(xr)]
		top := xr[0]
		for _, v := range xr {
			if v > top {
				top = v
			}
		}
		var mean float32
		for j, v := range xr {
			v -= top
			mean += v
			dr[j] = v
		}
		loss -= float64((1-smooth)*dr[class[i]] + smooth*mean/float32(cols))
	}
	Exp(d, d)
	base := scale * smooth / float32(cols)
	product := 1.0 // of the sums, each at least 1: one logarithm serves many rows
	for i := range rows {
		dr := d[i*cols : (i+1)*cols]
		var sum float32
		for _, e := range dr {
			sum += e
		}
		if product *= float64(sum); !(product < 1e200) {
			loss += math.Log(product)
			product = 1
		}
		r := scale / sum
		for j, e := range dr {
			dr[j] = e*r - base
		}
		dr[class[i]] -= scale * (1 - smooth)
	}
	return loss + math.Log(product)
}

// Exp writes y = exp(x). y and x may be the same slice.
func Exp(y, x []float32) {
	y = y[:len(x)]
	if v, n := whole(len(x)); v > 0 {
		expVectors(&y[0], &x[0], v)
		y, x = y[n:], x[n:]
	}
	for i, v := range x {
		y[i] = exp(v)
	}
}
