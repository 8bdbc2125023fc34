package nasbench

import (
	"context"
	"math"

	"budwood/nas"
	"budwood/search"
)

// Accuracy searches by validation accuracy after 12 epochs, one trial at a
// time, and returns the 200-epoch test accuracy of the incumbent after each
// number of evaluations, which rise.
func (t *Table) Accuracy(ctx context.Context, s search.Sampler, seed uint64, after ...int) ([]float64, error) {
	best, incumbent := math.Inf(-1), 0.
	var out []float64
	err := t.run(ctx, s, seed, []search.Objective{{Metric: "valid", Goal: search.Maximize}}, after, func(r Row) search.Metrics {
		if r.Valid > best {
			best, incumbent = r.Valid, r.Test
		}
		return search.Metrics{"valid": r.Valid}
	}, func() { out = append(out, incumbent) })
	return out, err
}

// The hypervolume of the whole table, and the point that it is measured from.
const (
	wholeFront   = 225.2934
	slowest      = 20.3731 // ms
	leastCorrect = 80.     // percent
)

// Front searches for test accuracy and latency at once and returns the
// hypervolume of what was evaluated, as a share of that of the whole table,
// after each number of evaluations.
func (t *Table) Front(ctx context.Context, s search.Sampler, seed uint64, after ...int) ([]float64, error) {
	var points [][]float64
	var out []float64
	goals := []search.Objective{{Metric: "test", Goal: search.Maximize}, {Metric: "latency"}}
	err := t.run(ctx, s, seed, goals, after, func(r Row) search.Metrics {
		points = append(points, []float64{-r.Test, r.Latency})
		return search.Metrics{"test": r.Test, "latency": r.Latency}
	}, func() { out = append(out, search.Hypervolume(points, []float64{-leastCorrect, slowest})/wholeFront) })
	return out, err
}

// run proposes and looks up; mark is called after each number of evaluations.
func (t *Table) run(ctx context.Context, s search.Sampler, seed uint64, goals []search.Objective, after []int, measure func(Row) search.Metrics, mark func()) error {
	var past []search.Record
	for _, n := range after {
		for len(past) < n {
			p, err := s.Propose(ctx, search.Request{Objectives: goals, Past: past, First: len(past), N: 1, Seed: seed})
			if err != nil {
				return err
			}
			g, err := nas.FromParams(p[0])
			if err != nil {
				return err
			}
			past = append(past, search.Record{
				Trial: search.Trial{ID: len(past), Params: p[0]}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 12, Metrics: measure(t.Row(g))}},
			})
		}
		mark()
	}
	return nil
}
