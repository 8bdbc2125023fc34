package nas

import (
	"context"
	"encoding/json"
	"testing"

	"budwood/data"
	"budwood/search"
)

func digits(b testing.TB) *Space {
	return bind(b, Spec{Family: "cnn", Stages: []int{1, 3}, Depth: []int{1, 4}, Width: []int{16, 64}, Ops: []string{"conv", "depthwise", "residual"},
		Limits: Limits{Params: 200_000}}, data.Shape{28, 28, 1})
}

// BenchmarkPropose proposes one child after another, of which each has its result
// before the next, after 10,000 trials that went through JSON as those of a
// resumed study do.
func BenchmarkPropose(b *testing.B) {
	hyper := search.Space{search.LogFloat("lr", 1e-4, 1), search.Float("momentum", 0, .99), search.Choice("opt", "sgd", "adam")}
	goals := []search.Objective{{Metric: "loss"}, {Metric: "macs"}, {Metric: "wh"}}
	measured := func(i int) (out []search.Measurement) {
		for _, budget := range []int{1, 3, 9}[:1+i%3] {
			out = append(out, search.Measurement{Budget: budget, Metrics: search.Metrics{
				"loss": float64(i % 997), "macs": float64(i * 7919 % 1009), "wh": float64(i * 104729 % 1013)}})
		}
		return out
	}
	past := make([]search.Record, 10_000)
	for i := range past {
		c := sampled(search.Rand(1, i), digits(b), hyper)
		c.genome.Into(c.point)
		past[i] = search.Record{Trial: search.Trial{ID: i, Params: c.point}, State: search.Stopped, Measurements: measured(i)}
	}
	text, err := json.Marshal(past)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		goals int
		of    func(*Space) search.Sampler
	}{
		{"random", 1, func(s *Space) search.Sampler { return Random{s} }},
		{"evolution", 1, func(s *Space) search.Sampler { return Evolution{Space: s} }},
		{"local search", 1, func(s *Space) search.Sampler { return LocalSearch{Space: s} }},
		{"predictor", 1, func(s *Space) search.Sampler { return Predictor{Space: s} }},
		{"NSGA-II, 2 goals", 2, func(s *Space) search.Sampler { return NSGA2{Space: s} }},
		{"NSGA-II, 3 goals", 3, func(s *Space) search.Sampler { return NSGA2{Space: s} }},
		{"NSGA-III, 3 goals", 3, func(s *Space) search.Sampler { return NSGA3{Space: s} }},
	} {
		var past []search.Record
		if err := json.Unmarshal(text, &past); err != nil {
			b.Fatal(err)
		}
		sampler := c.of(digits(b))
		propose := func(b *testing.B) {
			req := search.Request{Space: hyper, Objectives: goals[:c.goals], Past: past, First: len(past), N: 1, Seed: 1}
			out, err := sampler.Propose(context.Background(), req)
			if err != nil {
				b.Fatal(err)
			}
			past = append(past, search.Record{Trial: search.Trial{ID: len(past), Params: out[0]}, State: search.Stopped, Measurements: measured(len(past))})
		}
		b.Run(c.name, func(b *testing.B) {
			propose(b) // reads the 10,000
			b.ReportAllocs()
			for b.Loop() {
				propose(b)
			}
		})
	}
}

// BenchmarkGenome measures hash, decoding with cost, mutation and text of a
// network of about 50 operations.
func BenchmarkGenome(b *testing.B) {
	space := digits(b)
	r := search.Rand(1, 0)
	g := space.Sample(r)
	for i := 1; len(g.root.ops()) < 50; i++ {
		r = search.Rand(1, i)
		g = space.Sample(r)
	}
	b.Run("hash", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g.Hash()
		}
	})
	b.Run("cost", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := space.build(g); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("hash, cost and memory", func(b *testing.B) {
		b.ReportAllocs()
		limited := *space
		limited.limits = Limits{Memory: 1 << 40, Inference: 1 << 40}
		for b.Loop() {
			g.Hash()
			if _, _, err := limited.build(g); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("mutate", func(b *testing.B) {
		for b.Loop() {
			if _, err := space.Mutate(r, g); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("from params", func(b *testing.B) {
		p := search.Params{}
		g.Into(p)
		for b.Loop() {
			if _, err := FromParams(p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// ops lists the operations of a derivation.
func (n *node) ops() []*node {
	if n.kind == opKind {
		return []*node{n}
	}
	var out []*node
	for i := range n.kids {
		out = append(out, n.kids[i].ops()...)
	}
	return out
}
