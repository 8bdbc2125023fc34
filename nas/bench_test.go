package nas

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"budwood/engine"
	"budwood/search"
)

func digits(b testing.TB) *Space {
	return bind(b, Spec{Family: "cnn", Stages: []int{1, 3}, Depth: []int{1, 4}, Width: []int{16, 64}, Ops: []string{"conv", "depthwise", "residual"},
		Limits: Limits{Params: 200_000}}, engine.Shape{28, 28, 1})
}

// BenchmarkPropose proposes one child after 10,000 trials that went through
// JSON, as those of a resumed study do.
func BenchmarkPropose(b *testing.B) {
	space := digits(b)
	hyper := search.Space{search.LogFloat("lr", 1e-4, 1), search.Float("momentum", 0, .99), search.Choice("opt", "sgd", "adam")}
	past := make([]search.Record, 10_000)
	for i := range past {
		c := sampled(search.Rand(1, i), space, hyper)
		c.genome.Into(c.point)
		past[i] = search.Record{Trial: search.Trial{ID: i, Params: c.point}, State: search.Stopped}
		for _, budget := range []int{1, 3, 9}[:1+i%3] {
			past[i].Measurements = append(past[i].Measurements, search.Measurement{Budget: budget, Metrics: search.Metrics{"loss": float64(i % 997), "macs": float64(i * 7919 % 1009)}})
		}
	}
	goals := []search.Objective{{Metric: "loss"}, {Metric: "macs"}}
	text, err := json.Marshal(past)
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(text, &past); err != nil {
		b.Fatal(err)
	}
	for _, s := range []search.Sampler{Random{space}, Evolution{Space: space}, LocalSearch{Space: space}, NSGA2{Space: space}, Predictor{Space: space}} {
		b.Run(fmt.Sprintf("%T", s), func(b *testing.B) {
			b.ReportAllocs()
			seed := uint64(0)
			for b.Loop() {
				seed++
				req := search.Request{Space: hyper, Objectives: goals, Past: past, First: len(past), N: 1, Seed: seed}
				if _, err := s.Propose(context.Background(), req); err != nil {
					b.Fatal(err)
				}
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
