package hpo

import (
	"context"
	"math"
	"slices"
	"testing"

	"budwood/search"
)

func TestWarp(t *testing.T) {
	for _, w := range []warp{{1, 1}, {.1, 1}, {1, .1}, {10, 10}, {.3, 4}} {
		if w.at(0) != 0 || w.at(1) != 1 || !math.IsNaN(w.at(math.NaN())) {
			t.Errorf("%v: ends at %g and %g", w, w.at(0), w.at(1))
		}
		last := 0.
		for x := .05; x < .96; x += .1 {
			y := w.at(x)
			if want := 1 - math.Pow(1-math.Pow(x, w.a), w.b); math.Abs(y-want) > 1e-12 {
				t.Errorf("%v: w(%g) is %g, not %g", w, x, y, want)
			}
			if y < last {
				t.Errorf("%v falls at %g", w, x)
			}
			if last = y; y > 1e-5 && y < .999 && math.Abs(w.inverse(y)-x) > 1e-9 {
				t.Errorf("%v: w⁻¹(w(%g)) is %g", w, x, w.inverse(y))
			}
		}
	}
}

// Every value of a bent scale is found again by its coordinate.
func TestBentCube(t *testing.T) {
	space := search.Space{search.Int("n", 1, 300, search.Log), search.Float("s", 0, 2, search.Step(.1)), search.Ordinal("o", 1, 2, 4, 8), search.Choice("c", "a", "b"), search.Float("x", -3, 5)}
	c := newCube(space)
	c = c.warped([]warp{{.3, 1}, {1, .4}, {3, 3}, {}, {.2, 1.5}})
	for i := range 200 {
		p := space.Sample(search.Rand(1, i))
		x := c.vector(p)
		q := c.decode(x)
		for _, name := range []string{"n", "s", "o", "c"} {
			if p[name] != q[name] {
				t.Fatalf("%s: %v is %v again", name, p[name], q[name])
			}
		}
		if math.Abs(p["x"].(float64)-q["x"].(float64)) > 1e-9 {
			t.Fatalf("%v is %v again", p["x"], q["x"])
		}
		for k := range space {
			if c.snap(k, x[k]) != x[k] {
				t.Fatalf("%s: %v snaps to %v", c.dims[k].Name, x[k], c.snap(k, x[k]))
			}
		}
	}
}

// uneven is a loss of which everything happens in the first hundredths of the
// range of a, and in the last ones of b.
func uneven(p search.Params) float64 {
	a, b, c := math.Log10(p["a"].(float64)+1e-3)+2.2, math.Log10(1.001-p["b"].(float64))+1.8, p["c"].(float64)-.3
	return a*a + (b+.5*a)*(b+.5*a) + 4*c*c
}

var unevenSpace = search.Space{search.Float("a", 0, 1), search.Float("b", 0, 1), search.Float("c", 0, 1)}

// A process with bent scales foretells such a loss better; an even one it leaves
// as it is.
func TestBentScalesForetellMore(t *testing.T) {
	t.Parallel()
	score := func(f func(search.Params) float64, bend bool) (logLikelihood float64, h hyper) {
		c := newCube(unevenSpace)
		var losses []float64
		var all []search.Params
		for i := range 240 {
			all = append(all, unevenSpace.Sample(search.Rand(4, i)))
			losses = append(losses, f(all[i])+.05*search.Rand(5, i).NormFloat64())
		}
		const n = 40
		vectors := func(c *cube) (x [][]float64) {
			for _, p := range all {
				x = append(x, c.vector(p))
			}
			return x
		}
		k := newKernel(c)
		if bend {
			k.bent = c.warpable()
		}
		h = fit(k, vectors(c)[:n], losses[:n], 3, false)
		k.set(h)
		x := vectors(c.warped(h.warps))
		o := newOutput(losses[:n], h.delta)
		y := o.apply(losses)
		p := newPosterior(k, x[:n], y[:n], cholesky{})
		for i := n; i < len(x); i++ {
			mu, sigma := p.predict(x[i])
			sigma = math.Hypot(sigma, math.Sqrt(p.variance*p.noise))
			z := (y[i] - mu) / sigma
			logLikelihood += (-.5*z*z - math.Log(sigma) + o.logSlope(losses[i:i+1])) / float64(len(x)-n)
		}
		return logLikelihood, h
	}
	bent, h := score(uneven, true)
	even, _ := score(uneven, false)
	if bent < even+.5 {
		t.Errorf("log likelihood of a held-out trial: %.2f, with even scales %.2f; %v", bent, even, h.warps)
	}
	smooth := func(p search.Params) float64 {
		a, b, c := p["a"].(float64), p["b"].(float64), p["c"].(float64)
		return math.Sin(3*a) + math.Cos(4*b+a) + (c-.4)*(c-.4)
	}
	bent, h = score(smooth, true)
	even, _ = score(smooth, false)
	if bent < even-.1 {
		t.Errorf("an even loss: log likelihood of a held-out trial %.2f, with even scales %.2f; %v", bent, even, h.warps)
	}
}

// The minimum of such a loss is found with few trials; with even scales the median
// of what is left of the loss is .6 instead of less than .0001.
func TestGPFindsUnevenMinimum(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	var left []float64
	for seed := range uint64(3) {
		g := &GP{}
		req := search.Request{Space: unevenSpace, Objectives: []search.Objective{{Metric: "loss"}}, N: 1, Seed: seed}
		best := math.Inf(1)
		for id := range 40 {
			req.First = id
			p, err := g.Propose(context.Background(), req)
			if err != nil {
				t.Fatal(err)
			}
			loss := uneven(p[0])
			best = min(best, loss)
			req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: p[0]}, State: search.Completed, Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": loss}}}})
		}
		left = append(left, best)
	}
	if slices.Sort(left); left[1] > .01 {
		t.Errorf("after 40 trials the losses are %v", left)
	}
}
