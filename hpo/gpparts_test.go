package hpo

import (
	"context"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

// What a GP remembers changes no proposal, also if trials end in another order
// than they began.
func TestGPDoesNotDependOnItsMemory(t *testing.T) {
	t.Parallel()
	p := searchtest.MixCond()
	old := &GP{}
	req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, N: 1, Seed: 5}
	for id := range 45 {
		req.First = id
		got, err := old.Propose(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		if id%6 == 5 {
			if want, _ := new(GP).Propose(context.Background(), req); !reflect.DeepEqual(got, want) {
				t.Fatalf("trial %d: %v, from nothing %v", id, got, want)
			}
		}
		req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: got[0]}, State: search.Running})
		if done := id - []int{0, 3, 1}[id%3]; done >= 0 { // some are late
			r := &req.Past[done]
			r.State = search.Completed
			r.Measurements = []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": p.F(r.Params)}}}
		}
	}
}

// The kernel is positive definite in every space: no pivot needs jitter.
func TestKernelIsProper(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		space := searchtest.DrawSpace(t)
		c := newCube(space)
		k := newKernel(c)
		for i := range k.weight {
			k.weight[i] = rapid.SampledFrom([]float64{1e-4, .1, 1, 30, 1e4}).Draw(t, "weight")
		}
		k.noise, k.poly = 1e-6, rapid.SampledFrom([]float64{0, .1, 10}).Draw(t, "poly")
		var points [][]float64
		var y []float64
		for i := range 25 {
			points = append(points, c.vector(space.Sample(search.Rand(rapid.Uint64Range(0, 1000).Draw(t, "seed"), i))))
			y = append(y, float64(i))
		}
		p := newPosterior(k, points, y, cholesky{})
		if p.f.jitter > 0 {
			t.Fatalf("%d dimensions: jitter %g", len(c.dims), p.f.jitter)
		}
		for i, x := range points {
			if mu, sigma := p.predict(x); math.IsNaN(mu) || math.IsNaN(sigma) {
				t.Fatalf("point %d: mean %g, deviation %g", i, mu, sigma)
			}
		}
	})
}

func TestOutputKeepsTheOrder(t *testing.T) {
	losses := []float64{-3, -2.999, 0, 5, 1e6, 1e300}
	for _, share := range outputShares {
		y := newOutput(losses, share*spreadOf(losses)).apply(losses)
		for i := range y[1:] {
			if !(y[i] <= y[i+1]) || math.IsNaN(y[i]) || math.IsInf(y[i+1], 0) {
				t.Errorf("share %g: %v", share, y)
			}
		}
	}
}

func TestCholeskyOfRepeatedPointsNeedsJitter(t *testing.T) {
	var c cholesky
	c.push(nil, 1)
	c.push([]float64{1}, 1)
	if c.jitter == 0 || c.jitter > 1e-9 {
		t.Errorf("jitter %g", c.jitter)
	}
	if x := c.logDet(); math.IsNaN(x) || math.IsInf(x, 0) {
		t.Errorf("log determinant %g", x)
	}
}

// Strata take turns, and inside a choice the option that was tried least.
func TestStrataTakeTurns(t *testing.T) {
	t.Parallel()
	c := newCube(searchtest.MixCond().Space)
	branches := c.branches()
	if len(branches) != 4 { // algo, kernel, layers, opt
		t.Fatalf("%d branches", len(branches))
	}
	mlp := c.vector(search.Params{"algo": "mlp", "layers": 2, "units_0": 256, "units_1": 128, "opt": "sgd", "lr": .03, "mom": .9})
	if _, ok := roundRobin(branches, 4, nil); ok {
		t.Error("an even trial is bound to a branch")
	}
	s, ok := roundRobin(branches, 1, [][]float64{c.vector(search.Params{"algo": "svm", "C": 1., "gamma": 1., "kernel": "rbf"})})
	if !ok || !s.has(mlp) {
		t.Errorf("after one svm the turn is %v", s.pins)
	}
	if s, _ = roundRobin(branches, 1, [][]float64{mlp}); s.has(mlp) {
		t.Error("the option that was tried comes again")
	}
}
