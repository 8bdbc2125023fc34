package hpo

import "math"

// A space of more parameters than this is searched in a trust region.
const regionFrom = 3

// region is the trust region of TuRBO (Eriksson et al. 2019): a box around the
// best point with sides in proportion to the length scales. Its side L is
// computed from the past, trial by trial: it doubles after 3 that improved in a
// row and halves after as many as there are dimensions (at least 4) that did not;
// when it has become too small it starts anew.
func region(c *cube, p past, best, length []float64) (lo, hi []float64) {
	const start, least, most = .8, 1. / 128, 1.6
	d := len(c.dims)
	side, good, bad := start, 0, 0
	top := math.Inf(1)
	for _, r := range p.results {
		loss := r.loss
		if loss < top-1e-3*math.Abs(top) || math.IsInf(top, 1) {
			good, bad = good+1, 0
		} else {
			good, bad = 0, bad+1
		}
		top = min(top, loss)
		if good == 3 {
			side, good = min(2*side, most), 0
		}
		if bad == max(4, d) {
			side, bad = side/2, 0
		}
		if side < least {
			side = start
		}
	}
	mean, n := 0.0, 0.
	for i, u := range best {
		if u == u {
			mean += math.Log(min(length[i], 10))
			n++
		}
	}
	mean = math.Exp(mean / max(n, 1))
	lo, hi = make([]float64, d), make([]float64, d)
	for i, u := range best {
		if hi[i] = 1; u == u {
			half := side / 2 * min(max(min(length[i], 10)/mean, .1), 10)
			lo[i], hi[i] = max(u-half, 0), min(u+half, 1)
		}
	}
	return lo, hi
}
