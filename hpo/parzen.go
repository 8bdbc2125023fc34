package hpo

import (
	"math"
	"math/rand/v2"

	"budwood/search"
)

// parzen is a mixture of product kernels on the cube: one component for each of
// some points, and a uniform one, the prior. Densities are relative to the
// prior. A coordinate that a component's point does not have is uniform in that
// component, so that points of all branches are compared on what they share.
type parzen struct {
	c    *cube
	logw []float64 // log weight of each component; the last one is the prior
	cum  []float64 // cumulated weights
	axes []axis
	acc  []float64 // room for one number a component
}

// axis are the kernels along one coordinate.
type axis struct {
	mu    []float64 // of each component but the prior, NaN where it has none
	sigma float64
	log   []float64 // log kernel by distance in cells, or of the same and another category; nil if continuous
	norm  []float64 // log of the kernel's integral, by component
	cells int
	cat   bool
}

// newParzen builds the mixture of n points, the rows of x, with equal weights.
// The bandwidth of a coordinate that k points have is σ = b·k^(−1/(D+4)) (Scott's
// rule on a fixed scale b), but never below 1/min(100, k+2).
func newParzen(c *cube, x [][]float64) *parzen {
	n, d := len(x), len(c.dims)
	p := &parzen{c: c, logw: make([]float64, n+1), cum: make([]float64, n+1), axes: make([]axis, d), acc: make([]float64, n+1)}
	total, sum := float64(n)+tpePrior, 0.
	for i := range n + 1 {
		w := 1.
		if i == n {
			w = tpePrior
		}
		sum += w / total
		p.logw[i], p.cum[i] = math.Log(w/total), sum
	}
	room := make([]float64, 2*n*d)
	for k, dim := range c.dims {
		a := &p.axes[k]
		a.mu, room = room[:n:n], room[n:]
		a.norm, room = room[:n:n], room[n:]
		have := 0
		for i := range x {
			if a.mu[i] = x[i][k]; a.mu[i] == a.mu[i] {
				have++
			}
		}
		sigma := tpeWidth * math.Pow(float64(max(have, 1)), -1/float64(d+4))
		a.fit(dim, have, max(sigma, 1/min(tpeNarrow, float64(have+2))))
	}
	return p
}

// fit sets the kernels for n points.
func (a *axis) fit(d *search.Dim, n int, sigma float64) {
	m := d.Size()
	a.sigma = sigma
	switch {
	case d.Kind == search.KindChoice && !d.Ordered:
		// One pseudo-observation of each category, shared by the n points.
		a.cells, a.cat = m, true
		other := 1 / float64(n+1)
		same := 1 + other
		sum := same + float64(m-1)*other
		a.log = []float64{math.Log(same / sum * float64(m)), math.Log(other / sum * float64(m))}
	case m > 0 && m <= 256 && !d.Log:
		a.cells = m
		a.log = make([]float64, m)
		h := 1 / float64(m)
		mass := make([]float64, m) // of the kernel of cell 0
		below := cdf(-h / 2 / sigma)
		for k := range mass {
			above := cdf((float64(k) + .5) * h / sigma)
			mass[k] = above - below
			below = above
			a.log[k] = math.Log(max(mass[k], 1e-300) * float64(m))
		}
		cum := make([]float64, m+1) // of the masses
		for k := range mass {
			cum[k+1] = cum[k] + mass[k]
		}
		for i, x := range a.mu {
			if x == x {
				j := cell(x, m)
				a.norm[i] = math.Log(cum[j+1] + cum[m-j] - mass[0])
			}
		}
	default:
		c := math.Log(sigma * math.Sqrt(2*math.Pi))
		for i, x := range a.mu {
			if x == x {
				a.norm[i] = c + math.Log(cdf((1-x)/sigma)-cdf(-x/sigma))
			}
		}
	}
}

// cdf is that of the standard normal.
func cdf(x float64) float64 {
	if x > 8 {
		return 1
	}
	if x < -8 {
		return 0
	}
	return .5 * math.Erfc(-x/math.Sqrt2)
}

// logDensity is that of a vector.
func (p *parzen) logDensity(x []float64) float64 {
	acc := p.acc
	copy(acc, p.logw)
	for k, u := range x {
		if u != u {
			continue
		}
		a := &p.axes[k]
		switch {
		case a.cat:
			for i, m := range a.mu {
				if m == u {
					acc[i] += a.log[0]
				} else if m == m {
					acc[i] += a.log[1]
				}
			}
		case a.cells > 0:
			j := cell(u, a.cells)
			for i, m := range a.mu {
				if m == m {
					d := j - cell(m, a.cells)
					acc[i] += a.log[max(d, -d)] - a.norm[i]
				}
			}
		default:
			inv := 1 / a.sigma
			for i, m := range a.mu {
				if t := (u - m) * inv; t == t {
					acc[i] -= .5*t*t + a.norm[i]
				}
			}
		}
	}
	return logSumExp(acc)
}

func logSumExp(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = max(top, v)
	}
	sum := 0.0
	for _, v := range x {
		if v > top-40 {
			sum += math.Exp(v - top)
		}
	}
	return top + math.Log(sum)
}

// sample draws a vector into x.
func (p *parzen) sample(rng *rand.Rand, x []float64) {
	u := rng.Float64()
	i := 0
	for i < len(p.cum)-1 && p.cum[i] <= u {
		i++
	}
	p.c.fill(x, func(k int) float64 { return p.axes[k].sample(rng, i, p.c.dims[k]) })
}

// sample draws a coordinate of component i.
func (a *axis) sample(rng *rand.Rand, i int, d *search.Dim) float64 {
	if i >= len(a.mu) || a.mu[i] != a.mu[i] {
		return snap(d, rng.Float64())
	}
	m := a.mu[i]
	switch {
	case a.cat:
		if rng.Float64()*float64(a.cells) < math.Exp(a.log[0]) {
			return m
		}
		j := rng.IntN(a.cells - 1)
		if j >= cell(m, a.cells) {
			j++
		}
		return (float64(j) + .5) / float64(a.cells)
	case a.cells > 0:
		j := cell(m, a.cells)
		t := rng.Float64() * float64(a.cells) * math.Exp(a.norm[i])
		k := 0
		for ; k < a.cells-1; k++ {
			if t -= math.Exp(a.log[max(k-j, j-k)]); t < 0 {
				break
			}
		}
		return (float64(k) + .5) / float64(a.cells)
	}
	return snap(d, truncated(rng, m, a.sigma))
}

// truncated draws from a normal distribution cut to [0,1].
func truncated(rng *rand.Rand, mu, sigma float64) float64 {
	for range 100 {
		if x := mu + sigma*rng.NormFloat64(); x >= 0 && x <= 1 {
			return x
		}
	}
	return min(max(mu, 0), 1)
}

// snap moves a coordinate to the middle of the value that it stands for.
func snap(d *search.Dim, u float64) float64 {
	if d.Kind == search.KindFloat && d.Step == 0 && d.Lo < d.Hi {
		return u
	}
	u, _ = d.Encode(d.Decode(u))
	return u
}
