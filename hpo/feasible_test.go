package hpo

import (
	"math"
	"testing"

	"budwood/hpo/scheduler"
	"budwood/search"
	"budwood/search/searchtest"
)

// Where half of the space and more is infeasible and the optimum lies at the
// border, a sampler that learns soon proposes few infeasible points.
func TestWhatIsFeasibleIsLearned(t *testing.T) {
	if testing.Short() {
		t.Skip("many trials of several seeds")
	}
	t.Parallel()
	p := searchtest.Sphere(4)
	x, y := p.Space[0].(search.FloatParam), p.Space[1].(search.FloatParam)
	infeasible := func(s search.Sampler) (share float64) {
		const seeds = 2
		for seed := range uint64(seeds) {
			r := simulated(t, p.Space, s, 60, seed, func(at search.Params) ([]float64, float64, search.State) {
				if x.In(at) < 1 && y.In(at) < 3 {
					return nil, 1, search.Infeasible
				}
				return []float64{p.F(at)}, 1, search.Paused
			})
			for _, rec := range r.Records[30:] {
				if rec.State == search.Infeasible {
					share += 1. / 30 / seeds
				}
			}
		}
		return share
	}
	random := infeasible(Random{})
	for name, s := range map[string]search.Sampler{"TPE": TPE{}, "Auto": &Auto{}} {
		if share := infeasible(s); share > random/2 {
			t.Errorf("%.0f %% of the points of %s are infeasible, and %.0f %% of random ones", 100*share, name, 100*random)
		}
	}
}

// Infeasible trials do not keep a process from an optimum at their border.
func TestGPFindsAnOptimumAtTheBorder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	x, y := search.Float("x", 0, 1), search.Float("y", 0, 1)
	for seed := range uint64(3) {
		r := simulated(t, search.Space{x, y}, &GP{}, 40, seed, func(at search.Params) ([]float64, float64, search.State) {
			if x.In(at)+y.In(at) < 1 {
				return nil, 1, search.Infeasible
			}
			return []float64{2*x.In(at) + y.In(at)}, 1, search.Paused // least at (0, 1): 1
		})
		if best := r.Best().Value; !(best < 1.02) {
			t.Errorf("seed %d: the best loss is %.3f, want 1", seed, best)
		}
	}
}

// Of two regions as good as each other, a sampler that counts costs is found in
// the cheap one. Each seed is run twice, with either of them as the dear one: a
// sampler that does not look at the costs has half of its trials there, exactly.
func TestCostsAreSaved(t *testing.T) {
	if testing.Short() {
		t.Skip("many trials of several seeds")
	}
	t.Parallel()
	x := search.Float("x", -1, 1)
	y := search.Float("y", -1, 1)
	for name, make := range map[string]func() search.Sampler{
		"TPE":  func() search.Sampler { return TPE{Cost: Time} },
		"Auto": func() search.Sampler { return &Auto{Cost: Time} },
	} {
		const seeds, trials, early = 3, 50, 20
		dear, worst := 0., 0.
		for seed := range uint64(seeds) {
			for _, side := range []float64{-1, 1} {
				r := simulated(t, search.Space{x, y}, make(), trials, seed, func(at search.Params) ([]float64, float64, search.State) {
					return []float64{math.Abs(math.Abs(x.In(at))-.5) + math.Abs(y.In(at))}, math.Exp(3 * side * x.In(at)), search.Paused
				})
				for _, rec := range r.Records[early:] {
					if side*x.In(rec.Params) > 0 {
						dear += 1. / (2 * seeds * (trials - early))
					}
				}
				worst = max(worst, r.Best().Value)
			}
		}
		if dear > .25 || worst > .05 {
			t.Errorf("%s: %.0f %% of the trials are dear, and 50 %% would be without costs; the worst study ends at %.3f", name, 100*dear, worst)
		}
	}
}

// simulated runs a study of one objective at full budget.
func simulated(t *testing.T, space search.Space, s search.Sampler, trials int, seed uint64, f func(search.Params) ([]float64, float64, search.State)) *searchtest.Result {
	t.Helper()
	r, err := searchtest.Simulate(searchtest.Simulation{Space: space, Objectives: []search.Objective{{Metric: "loss"}}, Sampler: s, Scheduler: &scheduler.NoStopping{},
		Trials: trials, Seed: seed, Objective: func(_ int, p search.Params, _, _ int) ([]float64, float64, search.State) { return f(p) }})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
