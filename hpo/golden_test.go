package hpo

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"budwood/hpo/scheduler"
	"budwood/internal/golden"
	"budwood/search"
	"budwood/search/searchtest"
)

// The first points of each sampler for a seed: a study begun with an older
// version goes on with the same points.
func TestSamplersProposeAsBefore(t *testing.T) {
	t.Parallel()
	space := search.Space{
		search.LogFloat("lr", 1e-4, 1), search.Int("width", 16, 256, search.Log),
		search.Choice("opt", "adam", "sgd").When("sgd", search.Float("mom", 0, .9, search.Step(.1))),
	}
	for name, s := range map[string]search.Sampler{"random": Random{}, "halton": Halton{}, "grid": Grid{}, "tpe": TPE{}, "sobol": Sobol{}, "cmaes": &CMAES{}, "evolution": Evolution{Population: 8},
		"nsga2": NSGA2{Population: 8}} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			r, err := searchtest.Simulate(searchtest.Simulation{
				Space: space, Objectives: []search.Objective{{Metric: "loss"}},
				Sampler: s, Scheduler: &scheduler.NoStopping{}, Trials: 30, Seed: 7,
				Objective: func(_ int, p search.Params, _, _ int) ([]float64, float64, search.State) {
					return []float64{math.Abs(math.Log10(p["lr"].(float64)) + 2)}, 1, search.Paused
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range r.Records {
				fmt.Fprintf(&log, "%s %s\n", rec.Name(), rec.Params)
			}
			golden.File(t, name+".golden", log.String())
		})
	}
}
