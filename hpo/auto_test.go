package hpo

import (
	"strings"
	"testing"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestAuto(t *testing.T) { searchtest.Sampler(t, &Auto{}) }

// Every sampler of the portfolio gets its turn, and Explain names it.
func TestAutoSaysWhatItChose(t *testing.T) {
	narrow, wide := searchtest.Sphere(5), searchtest.Sphere(autoMostDims+1)
	for _, c := range []struct {
		p       searchtest.Problem
		results int
		want    []string
	}{
		{narrow, 3, []string{"quasi", "quasi", "quasi", "quasi"}},
		{narrow, 10, []string{"gp", "gp", "gp", "gp"}},
		{narrow, 20, []string{"gp", "gp", "tpe", "gp"}},
		{narrow, 60, []string{"tpe", "gp", "tpe", "gp"}},
		{narrow, autoMostTrials + 4, []string{"tpe", "cmaes", "tpe", "gp"}},
		{wide, 70, []string{"tpe", "cmaes", "tpe", "cmaes"}},
	} {
		req := search.Request{Space: c.p.Space, Objectives: []search.Objective{{Metric: "loss"}}, N: 1}
		for id := range c.results {
			req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: c.p.Space.Sample(search.Rand(1, id))}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": float64(id)}}}})
		}
		for i, want := range c.want {
			req.First = (c.results+3)/4*4 + i
			if got := (&Auto{}).Explain(req); !strings.HasPrefix(got, want+":") {
				t.Errorf("trial %d after %d results: %q, want %s", req.First, c.results, got, want)
			}
		}
	}
}

// Results at different budgets share their order, not their values.
func TestAutoUnderAScheduler(t *testing.T) {
	p := searchtest.Sphere(5)
	r, err := searchtest.Simulate(searchtest.Simulation{
		Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, Sampler: Random{}, Scheduler: &ASHA{Max: 9}, Trials: 30,
		Objective: func(_ int, at search.Params, _, to int) ([]float64, float64, search.State) {
			return []float64{p.F(at) / float64(to)}, 1, search.Paused
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, Past: r.Records, First: 30, N: 1}
	if got := (&Auto{}).Explain(req); !strings.HasPrefix(got, "tpe:") || !strings.Contains(got, "not trained to the end") {
		t.Errorf("%q, want tpe", got)
	}
}
