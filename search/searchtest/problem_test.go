package searchtest

import (
	"math"
	"testing"

	"budwood/search"
)

// The check values were computed elsewhere from the same definitions.
func TestInstancesMatchTheReference(t *testing.T) {
	for _, c := range []struct {
		f                              int
		p                              Problem
		xopt0, r00, origin, ones, mean float64
	}{
		{1, Sphere(5), 3.4516229999703683, -0.7995581487060264, 31.830493238039075, 36.45807055982975, 70.8673323131517},
		{2, Ellipsoid(5), 1.0266953566261598, 0.3741886979097304, 5889851.366304235, 6028183.779916371, 7853635.365998806},
		{3, Rosenbrock(5), -2.7759808123170737, 0.3021413638567616, 110635.36775145115, 77764.97163234786, 312743.85100988986},
		{5, Rastrigin(5), 3.461446806155622, -0.16829234263029108, 85.26346641807342, 64.34831995984435, 124.7392669680629},
	} {
		in := newInstance(c.f, 5)
		for what, v := range map[string][2]float64{
			"xopt[0]":     {in.xopt[0], c.xopt0},
			"R[0][0]":     {in.r[0][0], c.r00},
			"f(0)":        {c.p.F(at(c.p, 0)), c.origin},
			"f(1)":        {c.p.F(at(c.p, 1)), c.ones},
			"the typical": {c.p.Typical, c.mean},
		} {
			if math.Abs(v[0]-v[1]) > 1e-12*math.Abs(v[1]) {
				t.Errorf("%s: %s is %v, want %v", c.p.Name, what, v[0], v[1])
			}
		}
	}
}

func TestMinimaAreWhereTheyShouldBe(t *testing.T) {
	for f, p := range map[int]Problem{1: Sphere(7), 2: Ellipsoid(7), 3: Rosenbrock(7), 5: Rastrigin(7), 6: Ackley(7), 7: Griewank(7)} {
		best := search.Params{}
		for i, q := range p.Space {
			best[q.Dim().Name] = newInstance(f, 7).xopt[i]
		}
		if y := p.F(best); math.Abs(y-p.Min) > 1e-9 {
			t.Errorf("%s: %v at the optimum, want %v", p.Name, y, p.Min)
		}
	}
	if y := Branin().F(search.Params{"x1": math.Pi, "x2": 2.275}); math.Abs(y-Branin().Min) > 1e-9 {
		t.Errorf("branin: %v, want %v", y, Branin().Min)
	}
	h := Hartmann6()
	y := h.F(search.Params{"x0": .20168952, "x1": .15001069, "x2": .47687398, "x3": .27533243, "x4": .31165162, "x5": .65730054})
	if math.Abs(y-h.Min) > 1e-6 {
		t.Errorf("hartmann6: %v, want %v", y, h.Min)
	}
	m := MixCond()
	y = m.F(search.Params{"algo": "mlp", "layers": 2, "units_0": 256, "units_1": 128, "opt": "sgd", "lr": math.Pow(10, -1.5), "mom": .9})
	if math.Abs(y) > 1e-12 {
		t.Errorf("mixcond: %v, want 0", y)
	}
}

// Regret 1 is what half of all random points exceed.
func TestTypicalIsTheMedian(t *testing.T) {
	r := search.Rand(1, 0)
	for _, p := range Problems() {
		if err := p.Space.Validate(); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		const n = 4000
		above := 0
		for range n {
			y := p.F(p.Space.Sample(r))
			if y < p.Min {
				t.Fatalf("%s: %v is below the minimum %v", p.Name, y, p.Min)
			}
			if y > p.Typical {
				above++
			}
		}
		if share := float64(above) / n; share < .42 || share > .58 {
			t.Errorf("%s: %.2f of random points are above %v", p.Name, share, p.Typical)
		}
	}
}

func at(p Problem, x float64) search.Params {
	return p.Space.Fill(func(*search.Dim) any { return x })
}
