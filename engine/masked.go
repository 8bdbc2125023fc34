package engine

// masked sets values to 0 where the mask is 0. What is there may be NaN.
//
// A trainer with a mask does so to the gradient before it is clipped, and after the
// optimizer's step to the weights, the optimizer's state and the moving average: a
// masked weight stays at 0, and begins without a past where the mask lets it go.
func masked(x, mask []float32) {
	for i, m := range mask {
		if m == 0 {
			x[i] = 0
		}
	}
}
