package hpo

import (
	"context"
	"testing"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestTPE(t *testing.T) {
	t.Parallel()
	searchtest.Sampler(t, TPE{})
}

// The model finds better points than random search, on average over seeds.
func TestTPEBeatsRandom(t *testing.T) {
	t.Parallel()
	for _, p := range []searchtest.Problem{searchtest.Sphere(5), searchtest.Ellipsoid(5), searchtest.Hartmann6()} {
		var tpe, random float64
		for seed := range uint64(5) {
			tpe += bestOf(t, p, TPE{}, seed)
			random += bestOf(t, p, Random{}, seed)
		}
		if tpe >= random {
			t.Errorf("%s: TPE is left with %.4g after 60 trials, random search with %.4g", p.Name, tpe/5, random/5)
		}
	}
}

// bestOf is the least loss of 60 trials.
func bestOf(t *testing.T, p searchtest.Problem, s search.Sampler, seed uint64) float64 {
	t.Helper()
	o := search.Objective{Metric: "loss", Goal: search.Minimize}
	var past []search.Record
	best := 0.
	for id := range 60 {
		ps, err := s.Propose(context.Background(), search.Request{Space: p.Space, Objectives: []search.Objective{o}, Past: past, First: id, N: 1, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		loss := p.F(ps[0])
		if id == 0 || loss < best {
			best = loss
		}
		past = append(past, search.Record{Trial: search.Trial{ID: id, Params: ps[0]}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": loss}}}})
	}
	return best
}

func BenchmarkTPE(b *testing.B) {
	for _, d := range []int{5, 20} {
		b.Run(map[int]string{5: "5-D", 20: "20-D"}[d], func(b *testing.B) {
			p := searchtest.Sphere(d)
			req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, First: 1000, N: 1}
			for id := range 1000 {
				x := p.Space.Sample(search.Rand(1, id))
				req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: x}, State: search.Completed,
					Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": p.F(x)}}}})
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (TPE{}).Propose(context.Background(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
