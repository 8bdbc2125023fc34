package hpo

import (
	"context"
	"testing"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestPrior(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	searchtest.Sampler(t, Prior{})
	searchtest.Sampler(t, Prior{Around: []search.Params{{"x": 2., "lr": .01, "act": "relu", "c": "b"}, {}}})
}

// Half of the first trials are near the point; later nearly all of them if the
// results say so, that is up to a half, and nearly none if the best are far away.
func TestPriorSoonLeavesABadBelief(t *testing.T) {
	t.Parallel()
	p := searchtest.Sphere(3)
	best := search.Params{}
	bad := search.Params{}
	for _, q := range p.Space {
		name := q.Dim().Name
		lo, low := 0., -1.
		for x := -5.; x <= 5; x += .5 { // the best value along each axis
			at := search.Params{"x0": 0., "x1": 0., "x2": 0.}
			at[name] = x
			if y := p.F(at); low < 0 || y < low {
				lo, low = x, y
			}
		}
		best[name] = lo
		bad[name] = 5.
		if lo > 0 {
			bad[name] = -5.
		}
	}
	past := study(t, Random{}, p.Space, 60, p.F)
	c := newCube(p.Space)
	share := func(n int, around search.Params) float64 {
		req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, Past: past[:n]}
		return Prior{}.share(req, c, [][]float64{c.vector(around)})
	}
	if got := share(0, bad); got != .5 {
		t.Errorf("without results the share is %v, want a half", got)
	}
	if good, wrong := share(60, best), share(60, bad); good < .15 || wrong > good/4 {
		t.Errorf("the share is %.3f for a good belief and %.3g for a bad one", good, wrong)
	}
}

func TestPriorDrawsNear(t *testing.T) {
	space := search.Space{search.Float("x", 0, 1), search.Choice("c", "a", "b", "d", "e")}
	s := Prior{Around: []search.Params{{"x": .9, "c": "b"}}, Sampler: Random{}}
	points, err := s.Propose(context.Background(), search.Request{Space: space, Objectives: []search.Objective{{Metric: "loss"}}, N: 400})
	if err != nil {
		t.Fatal(err)
	}
	b, sum := 0, 0.
	for _, p := range points {
		sum += p["x"].(float64) / 400
		if p["c"] == "b" {
			b++
		}
	}
	// Half of them: b in 5/8 of the cases and x about .74; the others: 1/4 and .5.
	if b < 140 || b > 210 || sum < .58 || sum > .68 {
		t.Errorf("b in %d of 400, mean x %.3f", b, sum)
	}
}

// A trial near a point says so, any other what its sampler says of it.
func TestPriorExplains(t *testing.T) {
	space := search.Space{search.Float("x", 0, 1), search.Float("y", 0, 1)}
	point := search.Params{"x": .5, "y": .5}
	req := search.Request{Space: space, Objectives: []search.Objective{{Metric: "loss"}}, N: 1}
	seen := map[string]int{}
	for req.First = range 40 {
		with, err := Prior{Around: []search.Params{point}, Sampler: &Auto{}}.Propose(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := (&Auto{}).Propose(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		want := (&Auto{}).Explain(req)
		if with[0].Key() != alone[0].Key() {
			want = "prior: near a given point, as are 50 % of the trials"
		}
		got := Prior{Around: []search.Params{point}, Sampler: &Auto{}}.Explain(req)
		if got != want {
			t.Errorf("trial %d: %q, want %q", req.First, got, want)
		}
		seen[got]++
	}
	if len(seen) != 2 {
		t.Errorf("all trials say the same: %v", seen)
	}
	if got := (Prior{Sampler: Random{}}).Explain(req); got != "" {
		t.Errorf("for a sampler that explains nothing: %q", got)
	}
}
