package nas

import (
	"cmp"
	"context"
	"math"
	"slices"
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

// The benchmarks below, in short.
func TestSearchNASBench(t *testing.T) {
	b := loadNASBench(t)
	const seeds = 20
	accuracy, area := 0., 0.
	for seed := range uint64(seeds) {
		accuracy += b.run(t, Evolution{Space: b.space}, seed, 100)[0] / seeds
		area += b.front(t, NSGA2{Space: b.space}, seed, 100)[0] / seeds
	}
	if accuracy < 94.05 {
		t.Errorf("evolution reached %.2f %% after 100 evaluations", accuracy)
	}
	if area < .93 {
		t.Errorf("NSGA-II covered %.3f after 100 evaluations", area)
	}
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
		{"evolution with FLOPs", Evolution{Space: table.space, Proxy: func(g Genome) float64 { return table.row(g).flops }}},
		{"local search", LocalSearch{Space: table.space}},
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

// front searches the table for test accuracy and latency and returns the
// hypervolume of what was evaluated, as a share of that of the whole table.
func (b *nasBench) front(t testing.TB, s search.Sampler, seed uint64, after ...int) []float64 {
	goals := []search.Objective{{Metric: "test", Goal: search.Maximize}, {Metric: "latency"}}
	var past []search.Record
	var points [][2]float64
	var out []float64
	for _, n := range after {
		for len(past) < n {
			p, err := s.Propose(context.Background(), search.Request{Objectives: goals, Past: past, First: len(past), N: 1, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			g, err := FromParams(p[0])
			if err != nil {
				t.Fatal(err)
			}
			row := b.row(g)
			points = append(points, [2]float64{row.latency, row.test})
			past = append(past, search.Record{
				Trial: search.Trial{ID: len(past), Params: p[0]}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 200, Metrics: search.Metrics{"test": row.test, "latency": row.latency}}},
			})
		}
		out = append(out, hypervolume(points)/225.2934)
	}
	return out
}

// hypervolume is the area that points of latency and accuracy dominate, within
// 20.3731 ms and 80 %.
func hypervolume(points [][2]float64) float64 {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b [2]float64) int { return cmp.Compare(a[0], b[0]) })
	area, top := 0., 80.
	for _, p := range points {
		if p[0] < 20.3731 && p[1] > top {
			area += (p[1] - top) * (20.3731 - p[0])
			top = p[1]
		}
	}
	return area
}

// BenchmarkNASBenchPareto reports the mean share of the hypervolume after 50,
// 100 and 200 evaluations.
func BenchmarkNASBenchPareto(b *testing.B) {
	table := loadNASBench(b)
	for _, m := range []struct {
		name    string
		sampler search.Sampler
	}{
		{"random", Random{table.space}},
		{"NSGA-II", NSGA2{Space: table.space}},
	} {
		b.Run(m.name, func(b *testing.B) {
			var sum [3]float64
			seeds := 0
			for b.Loop() {
				for i, x := range table.front(b, m.sampler, uint64(seeds), 50, 100, 200) {
					sum[i] += x
				}
				seeds++
			}
			for i, n := range []string{"hv@50", "hv@100", "hv@200"} {
				b.ReportMetric(sum[i]/float64(seeds), n)
			}
		})
	}
}
