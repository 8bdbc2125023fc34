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

// Softmax writes the softmax of scale·x of each row (rows×cols). If causal is
// set, the rows fall into square blocks of cols rows, and row i of a block sees
// columns 0 … i alone: the others become 0. y and x may be the same slice.
func Softmax(y, x []float32, rows, cols int, scale float32, causal bool) {
	y, x = y[:rows*cols], x[:rows*cols]
	if vectorRows(rows, cols) {
		from := x
		if causal {
			from = y
			copy(y, x)
			for i := range rows {
				hide := y[i*cols+i%cols+1 : (i+1)*cols]
				for j := range hide {
					hide[j] = float32(math.Inf(-1))
				}
			}
		}
		softmaxRows(&y[0], &from[0], &scale, 4*cols, rows)
		return
	}
	for i := range rows {
		xr, yr := x[i*cols:(i+1)*cols], y[i*cols:(i+1)*cols]
		seen := cols
		if causal {
			seen = i%cols + 1
		}
		top := xr[0]
		for _, v := range xr[1:seen] {
			if v > top {
				top = v
			}
		}
		for j, v := range xr[:seen] {
			yr[j] = scale * (v - top)
		}
		for j := seen; j < cols; j++ {
			yr[j] = float32(math.Inf(-1))
		}
	}
	Exp(y, y)
	for i := range rows {
		yr := y[i*cols : (i+1)*cols]
		Scale(yr, float32(1/sum(yr)))
	}
}

// SoftmaxBack writes dx = scale·y·(dy − Σ dy·y) of each row (rows×cols), the
// backward pass of [Softmax]. dx and dy may be the same slice.
func SoftmaxBack(dx, dy, y []float32, rows, cols int, scale float32) {
	dx, dy, y = dx[:rows*cols], dy[:rows*cols], y[:rows*cols]
	if vectorRows(rows, cols) {
		softmaxBackRows(&dx[0], &dy[0], &y[0], &scale, 4*cols, rows)
		return
	}
	for i := range rows {
		dxr, dyr, yr := dx[i*cols:(i+1)*cols], dy[i*cols:(i+1)*cols], y[i*cols:(i+1)*cols]
		var dot float64
		for j, d := range dyr {
			dot += float64(d * yr[j])
		}
		s := float32(dot)
		for j, d := range dyr {
			dxr[j] = scale * yr[j] * (d - s)
		}
	}
}
