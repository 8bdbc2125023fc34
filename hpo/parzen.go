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
	base []float64 // log weight of each component, less what normalises its kernels along axes that all have; the last one is the prior
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
	all   bool // continuous, and every point has it
}

// The prior counts as so many points.
const parzenPrior = 2.

// newParzen builds the mixture of n points, the rows of x; without weights they
// are equal, and in any case their mean is 1.
func newParzen(c *cube, x [][]float64, weight []float64) *parzen {
	n, d := len(x), len(c.dims)
	p := &parzen{c: c, base: make([]float64, n+1), cum: make([]float64, n+1), axes: make([]axis, d), acc: make([]float64, n+1)}
	total, sum := float64(n)+parzenPrior, 0.
	one := -math.Log(total)
	for i := range n + 1 {
		w, logw := 1., one
		if i == n {
			w, logw = parzenPrior, one+math.Log(parzenPrior)
		} else if weight != nil {
			w, logw = weight[i], one+math.Log(weight[i])
		}
		sum += w / total
		p.base[i], p.cum[i] = logw, sum
	}
	room := make([]float64, 2*n*d)
	for k, dim := range c.dims {
		a := &p.axes[k]
		a.mu, room = room[:n:n], room[n:]
		a.norm, room = room[:n:n], room[n:]
		for i := range x {
			a.mu[i] = x[i][k]
		}
		have, sd := spread(a.mu, weight)
		a.fit(dim, have, bandwidth(dim, have, d, sd))
		if a.all = have == n && c.always[k] && a.log == nil; a.all {
			for i, x := range a.norm {
				p.base[i] -= x
			}
		}
	}
	return p
}

// bandwidth is σ = b·s·n^(−1/(D+4)), Scott's rule for n points of standard
// deviation s in D dimensions with a narrower b; for discrete numbers no less
// than lets the kernel reach the neighbouring values.
func bandwidth(dim *search.Dim, n, d int, s float64) float64 {
	const b, cells, least = .4, 1.2, 1e-3
	sigma := max(b*s*math.Pow(float64(max(n, 1)), -1/float64(d+4)), least)
	if m := dim.Size(); m > 0 {
		sigma = max(sigma, cells/float64(m))
	}
	return sigma
}

// spread is the number of points along an axis and their standard deviation, the
// prior included.
func spread(mu, weight []float64) (n int, sd float64) {
	s0, s1, s2 := parzenPrior, parzenPrior/2, parzenPrior/3
	for i, u := range mu {
		if u != u {
			continue
		}
		w := 1.
		if weight != nil {
			w = weight[i]
		}
		n++
		s0, s1, s2 = s0+w, s1+w*u, s2+w*u*u
	}
	return n, math.Sqrt(max(s2/s0-s1/s0*s1/s0, 0))
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
		norm := normTable(len(a.mu), sigma)
		for i, x := range a.mu {
			if x == x {
				a.norm[i] = norm(x)
			}
		}
	}
}

// normTable returns log ∫₀¹ exp(−(t−x)²/2σ²) dt as a function of x: for many
// points, and where it is smooth, by interpolation.
func normTable(n int, sigma float64) func(x float64) float64 {
	c := math.Log(sigma * math.Sqrt(2*math.Pi))
	exact := func(x float64) float64 { return c + math.Log(cdf((1-x)/sigma)-cdf(-x/sigma)) }
	const nodes = 64
	if n < nodes || sigma < 3./nodes {
		return exact
	}
	var table [nodes + 1]float64
	for k := range nodes/2 + 1 {
		table[k] = exact(float64(k) / nodes)
		table[nodes-k] = table[k]
	}
	return func(x float64) float64 {
		x *= nodes
		k := min(int(x), nodes-1)
		return table[k] + (x-float64(k))*(table[k+1]-table[k])
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
	copy(acc, p.base)
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
		case a.all:
			s := math.Sqrt(.5) / a.sigma
			u *= s
			acc := acc[:len(a.mu)]
			for i, m := range a.mu {
				t := u - m*s
				acc[i] -= t * t
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
	if continuous(d) {
		return u
	}
	u, _ = d.Encode(d.Decode(u))
	return u
}

// continuous reports whether any value between the bounds is allowed.
func continuous(d *search.Dim) bool {
	return d.Kind == search.KindFloat && d.Step == 0 && d.Lo < d.Hi
}
