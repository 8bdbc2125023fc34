package hpo

import (
	"math"
	"testing"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestGP(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	searchtest.Sampler(t, &GP{})
}

// gpCase is a mixed space with branches, and points of it.
func gpCase(n int) (*cube, [][]float64, []float64) {
	space := append(search.Space{search.Float("x", 0, 1), search.Int("n", 1, 40)}, searchtest.MixCond().Space...)
	c := newCube(space)
	var points [][]float64
	var losses []float64
	for i := range n {
		rng := search.Rand(3, i)
		p := space.Sample(rng)
		points = append(points, c.vector(p))
		losses = append(losses, math.Abs(p["x"].(float64)-.3)+rng.Float64())
	}
	return c, points, losses
}

func gradientIsRight(t *testing.T, what string, x []float64, f func(x, g []float64) float64) {
	t.Helper()
	g, ignore := make([]float64, len(x)), make([]float64, len(x))
	f(x, g)
	for i := range x {
		const h = 1e-5
		at := x[i]
		x[i] = at + h
		up := f(x, ignore)
		x[i] = at - h
		down := f(x, ignore)
		x[i] = at
		if want := (up - down) / (2 * h); math.Abs(g[i]-want) > 1e-4*max(1, math.Abs(want)) {
			t.Errorf("%s: the derivative by number %d is %g, by differences %g", what, i, g[i], want)
		}
	}
}

func TestImprovementGradient(t *testing.T) {
	c, points, losses := gpCase(30)
	k := newKernel(c)
	for i := range k.weight {
		k.weight[i] = 1 + float64(i%3)
	}
	k.noise, k.poly = 1e-3, .3
	process := func(losses []float64) *posterior { return newPosterior(k, points, losses, cholesky{}) }
	p := &acquisition{posterior: process(newOutput(losses, .1).apply(losses)), odds: odds{cost: process(losses)}}
	labels := make([]float64, len(losses))
	for i := range labels {
		labels[i] = math.Copysign(1, points[i][0]-.5)
	}
	p.feasible = process(labels)
	p.know(points[5])
	p.believe(points[3])
	x := points[7]
	x[0], x[1] = .41, .63
	var along []int
	var u []float64
	for i, v := range x {
		if v == v && !k.cat[i] {
			along, u = append(along, i), append(u, v)
		}
	}
	gradientIsRight(t, "log EI", u, func(u, g []float64) float64 {
		for j, i := range along {
			x[i] = u[j]
		}
		return p.gradient(x, along, g)
	})
}

func TestLogEI(t *testing.T) {
	for _, mu := range []float64{-3, -.2, 0, .3, .99, 1.01, 2, 20, 49.9, 50.1, 1e5} {
		gradientIsRight(t, "log EI", []float64{mu, 1.1}, func(x, g []float64) float64 {
			v, m, s := logEI(0, x[0], x[1])
			g[0], g[1] = m, s
			return v
		})
	}
}

func TestFitGradient(t *testing.T) {
	c, points, losses := gpCase(25)
	f := newFitting(newKernel(c), points, 6)
	f.withPoly = true
	f.y = newOutput(losses, .1).apply(losses)
	theta := f.start(-.5)
	theta[1] = .3
	gradientIsRight(t, "posterior density", theta, f.value)
}

func TestWarpedFitGradient(t *testing.T) {
	c, points, losses := gpCase(25)
	k := newKernel(c)
	k.bent = c.warpable()
	f := newFitting(k, points, 6)
	f.withPoly = true
	f.y = newOutput(losses, .1).apply(losses)
	theta := f.start(-.5)
	theta[1] = .3
	f.bending = newBending(k, points)
	for i := range 2 * len(k.bent) {
		theta = append(theta, .2*float64(i%5)-.5)
	}
	gradientIsRight(t, "posterior density of bent scales", theta, f.value)
}
