package nas

import (
	"context"
	"math"
	"testing"

	"budwood/search"
)

// run searches the table by validation accuracy and returns the test accuracy
// of the incumbent after each number of evaluations.
func (b *nasBench) run(t testing.TB, s search.Sampler, seed uint64, after ...int) []float64 {
	var past []search.Record
	best, out := math.Inf(-1), []float64(nil)
	incumbent := 0.0
	for _, n := range after {
		for len(past) < n {
			p, err := s.Propose(context.Background(), search.Request{
				Objectives: []search.Objective{{Metric: "valid", Goal: search.Maximize}}, Past: past, First: len(past), N: 1, Seed: seed,
			})
			if err != nil {
				t.Fatal(err)
			}
			g, err := FromParams(p[0])
			if err != nil {
				t.Fatal(err)
			}
			row := b.row(g)
			if row.valid > best {
				best, incumbent = row.valid, row.test
			}
			past = append(past, search.Record{
				Trial: search.Trial{ID: len(past), Params: p[0]}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 12, Metrics: search.Metrics{"valid": row.valid}}},
			})
		}
		out = append(out, incumbent)
	}
	return out
}

// BenchmarkNASBench reports the mean test accuracy of the incumbent after 50,
// 100 and 200 evaluations; run it with -benchtime 100x for 100 seeds.
func BenchmarkNASBench(b *testing.B) {
	table := loadNASBench(b)
	for _, m := range []struct {
		name    string
		sampler search.Sampler
	}{
		{"random", Random{table.space}},
		{"evolution", Evolution{Space: table.space}},
	} {
		b.Run(m.name, func(b *testing.B) {
			var sum [3]float64
			seeds := 0
			for b.Loop() {
				for i, x := range table.run(b, m.sampler, uint64(seeds), 50, 100, 200) {
					sum[i] += x
				}
				seeds++
			}
			for i, n := range []string{"%@50", "%@100", "%@200"} {
				b.ReportMetric(sum[i]/float64(seeds), n)
			}
		})
	}
}
