package kernel

import "math"

// CrossEntropy treats each row of x (rows×cols) as logits. It writes
// d = scale·(softmax(x) − target), the gradient of the scaled cross-entropy,
// and returns the sum over the rows of −Σ target·log softmax(x). The target has
// 1−smooth on the row's class and smooth spread evenly over all columns. d and x
// may be the same slice.
func CrossEntropy(d, x []float32, class []int32, rows, cols int, smooth, scale float32) float64 {
	var loss float64
	for i := range rows {
		xr, dr := x[i*cols:(i+1)*cols], d[i*cols:(i+1)*cols]
		dr = dr[:len(xr)]
		y := class[i]
		top := xr[0]
		var mean float32
		for _, v := range xr {
			top = max(top, v)
		}
		if smooth > 0 {
			for _, v := range xr {
				mean += v - top
			}
			mean /= float32(cols)
		}
		own := xr[y] - top
		var sum float32
		for j, v := range xr {
			e := exp(v - top)
			dr[j] = e
			sum += e
		}
		loss += math.Log(float64(sum)) - float64((1-smooth)*own+smooth*mean)
		r := scale / sum
		base := scale * smooth / float32(cols)
		for j, e := range dr {
			dr[j] = e*r - base
		}
		dr[y] -= scale * (1 - smooth)
	}
	return loss
}
