package hpo

import (
	"math"
	"testing"

	"budwood/hpo/scheduler"
	"budwood/search"
	"budwood/search/searchtest"
)

// With several objectives what is infeasible is learned from, and costs count, as
// they do with one.
func TestOddsOfSeveralObjectives(t *testing.T) {
	if testing.Short() {
		t.Skip("many trials of several seeds")
	}
	t.Parallel()
	x, y := search.Float("x", -1, 1), search.Float("y", -1, 1)
	space := search.Space{x, y}
	// Left and right, up and down alike: two fronts at x = ±½ over |y|.
	losses := func(at search.Params, n int) []float64 {
		far, up := math.Abs(math.Abs(x.In(at))-.5), math.Abs(y.In(at))
		return []float64{far + up, far + 1 - up, far + math.Abs(up-.5)}[:n]
	}
	// share is that of the later trials in the half x·side > 0, over both sides: one
	// half for a sampler to which they are the same.
	share := func(s func() search.Sampler, n int, f func(at search.Params, there bool) ([]float64, float64, search.State)) float64 {
		const seeds, trials, early = 1, 30, 12
		sum := 0.
		objectives := []search.Objective{{Metric: "a"}, {Metric: "b"}, {Metric: "c"}}[:n]
		for seed := range uint64(seeds) {
			for _, side := range []float64{-1, 1} {
				r, err := searchtest.Simulate(searchtest.Simulation{Space: space, Objectives: objectives, Sampler: s(), Scheduler: &scheduler.NoStopping{}, Trials: trials, Seed: seed,
					Objective: func(_ int, at search.Params, _, _ int) ([]float64, float64, search.State) {
						return f(at, side*x.In(at) > 0)
					}})
				if err != nil {
					t.Fatal(err)
				}
				for _, rec := range r.Records[early:] {
					if side*x.In(rec.Params) > 0 {
						sum += 1. / (2 * seeds * (trials - early))
					}
				}
			}
		}
		return sum
	}
	for _, n := range []int{2, 3} {
		dear := share(func() search.Sampler { return &EHVI{Cost: Time} }, n, func(at search.Params, there bool) ([]float64, float64, search.State) {
			return losses(at, n), map[bool]float64{false: 1, true: 20}[there], search.Paused
		})
		if dear > .25 {
			t.Errorf("%d objectives: %.0f %% of the trials are dear, and 50 %% would be without costs", n, 100*dear)
		}
		infeasible := share(func() search.Sampler { return &EHVI{} }, n, func(at search.Params, there bool) ([]float64, float64, search.State) {
			if there {
				return nil, 1, search.Infeasible
			}
			return losses(at, n), 1, search.Paused
		})
		if infeasible > .1 {
			t.Errorf("%d objectives: %.0f %% of the trials are infeasible", n, 100*infeasible)
		}
	}
}

// Infeasible trials do not keep the front from their border, as the worst loss
// there would: the volume was .10 with that, and .5 is the whole.
func TestEHVIFindsAFrontAtTheBorder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	x, y := search.Float("x", 0, 1), search.Float("y", 0, 1)
	volume := 0.
	const seeds = 3
	for seed := range uint64(seeds) {
		r, err := searchtest.Simulate(searchtest.Simulation{Space: search.Space{x, y}, Objectives: []search.Objective{{Metric: "a"}, {Metric: "b"}}, Sampler: &EHVI{}, Scheduler: &scheduler.NoStopping{}, Trials: 30, Seed: seed,
			Objective: func(_ int, at search.Params, _, _ int) ([]float64, float64, search.State) {
				a, b := x.In(at), y.In(at)
				if a+b < 1 {
					return nil, 1, search.Infeasible
				}
				return []float64{2*a + b, a + 2*b}, 1, search.Paused
			}})
		if err != nil {
			t.Fatal(err)
		}
		var points [][]float64
		for _, rec := range r.Records {
			if last, ok := rec.Last(); ok {
				points = append(points, []float64{last.Metrics["a"], last.Metrics["b"]})
			}
		}
		volume += search.Hypervolume(points, []float64{2, 2}) / seeds
	}
	if volume < .2 {
		t.Errorf("the front has a volume of %.3f", volume)
	}
}
