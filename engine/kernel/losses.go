package kernel

import "math"

// WeightedCrossEntropy is [CrossEntropy] with a weight w for each class:
// −Σ w·target·log softmax(x), summed over the rows.
func WeightedCrossEntropy(d, x []float32, class []int32, w []float32, rows, cols int, smooth, scale float32) float64 {
	var loss float64
	for i := range rows {
		xr, dr := x[i*cols:(i+1)*cols], d[i*cols:(i+1)*cols]
		logSum := logSoftmax(dr, xr, 1)
		var all float32
		for j, l := range dr {
			q := w[j] * smooth / float32(cols)
			if j == int(class[i]) {
				q += w[j] * (1 - smooth)
			}
			all += q
			loss -= float64(q) * (float64(l) - logSum)
		}
		for j, l := range dr {
			q := w[j] * smooth / float32(cols)
			if j == int(class[i]) {
				q += w[j] * (1 - smooth)
			}
			dr[j] = scale * (all*float32(math.Exp(float64(l)-logSum)) - q)
		}
	}
	return loss
}

// Distill adds to d the gradient of scale·T²·KL(q ‖ p) and returns the sum over
// the rows of T²·KL(q ‖ p), where p and q are the softmax of student/T and
// teacher/T.
func Distill(d, student, teacher []float32, rows, cols int, temperature, scale float32) float64 {
	var loss float64
	t := float64(temperature)
	for i := range rows {
		s, q, dr := student[i*cols:(i+1)*cols], teacher[i*cols:(i+1)*cols], d[i*cols:(i+1)*cols]
		logS, logQ := logSoftmax(nil, s, t), logSoftmax(nil, q, t)
		for j := range dr {
			lp, lq := float64(s[j])/t-logS, float64(q[j])/t-logQ
			share := math.Exp(lq)
			loss += t * t * share * (lq - lp)
			dr[j] += scale * float32(t*(math.Exp(lp)-share))
		}
	}
	return loss
}

// logSoftmax returns the logarithm of Σ exp(x/t) and, unless it is nil, copies x
// to y.
func logSoftmax(y, x []float32, t float64) float64 {
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	var sum float64
	for _, v := range x {
		sum += math.Exp((float64(v) - float64(top)) / t)
	}
	copy(y, x)
	return float64(top)/t + math.Log(sum)
}

// Logistic writes the gradient scale·(w·σ(x) − …) of the binary cross-entropy of
// logits x with targets t in [0, 1], −w·t·log σ(x) − (1−t)·log(1−σ(x)), and
// returns its sum.
func Logistic(d, x, t []float32, w, scale float32) float64 {
	var sum float64
	for i, v := range x {
		v, t := float64(v), float64(t[i])
		// log(1 + exp(−|v|)) is exact where exp(v) would overflow.
		small := math.Log1p(math.Exp(-math.Abs(v)))
		sum += float64(w)*t*(max(-v, 0)+small) + (1-t)*(max(v, 0)+small)
		p := 1 / (1 + math.Exp(-v))
		d[i] = scale * float32((1-t)*p-float64(w)*t*(1-p))
	}
	return sum
}

// AbsError writes the gradient scale·sign(y − t) and returns Σ |y − t|.
func AbsError(d, y, t []float32, scale float32) float64 {
	var sum float64
	for i, v := range y {
		e := v - t[i]
		sum += math.Abs(float64(e))
		switch {
		case e > 0:
			d[i] = scale
		case e < 0:
			d[i] = -scale
		default:
			d[i] = scale * e // 0, or NaN
		}
	}
	return sum
}

// HuberError writes the gradient, times scale, of ½e² where |e| < delta, else of
// delta·(|e| − delta/2), with e = y − t, and returns their sum.
func HuberError(d, y, t []float32, delta, scale float32) float64 {
	var sum float64
	for i, v := range y {
		e := v - t[i]
		if a := max(e, -e); a < delta {
			sum += float64(e) * float64(e) / 2
		} else {
			sum += float64(delta) * (float64(a) - float64(delta)/2)
		}
		d[i] = scale * max(min(e, delta), -delta)
	}
	return sum
}
