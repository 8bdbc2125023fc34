package hpo

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"budwood/hpo/scheduler"
	"budwood/search"
	"budwood/search/searchtest"
)

func TestAuto(t *testing.T) {
	t.Parallel()
	searchtest.Sampler(t, &Auto{})
}

// Every sampler of the portfolio gets its turn, and Explain names it.
func TestAutoSaysWhatItChose(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	narrow, wide := searchtest.Sphere(5), searchtest.Sphere(autoMostDims+1)
	rng := search.Rand(2, 0)
	chance := searchtest.Problem{Space: search.Space{search.Int("x", 1, 4), search.Int("y", 1, 4)}, F: func(search.Params) float64 { return rng.NormFloat64() }}
	type counts map[string][2]int // at least and at most so many of eight trials
	for _, c := range []struct {
		p       searchtest.Problem
		results int
		want    counts
	}{
		{narrow, 3, counts{"quasi": {8, 8}}},
		{narrow, 8, counts{"gp": {6, 8}}},
		{narrow, 20, counts{"gp": {5, 7}, "tpe": {1, 2}}},
		{narrow, 60, counts{"gp": {3, 5}, "tpe": {2, 4}, "untried": {1, 2}}},
		{chance, 60, counts{"gp": {0, 4}, "tpe": {2, 8}, "untried": {1, 5}}},
		{narrow, autoMostTrials + 4, counts{"cmaes": {2, 2}, "gp": {2, 4}}},
		{wide, 70, counts{"cmaes": {4, 4}, "gp": {1, 4}}},
	} {
		req := search.Request{Space: c.p.Space, Objectives: []search.Objective{{Metric: "loss"}}, N: 1}
		for id := range c.results {
			x := c.p.Space.Sample(search.Rand(1, id))
			req.Past = append(req.Past, search.Record{Trial: search.Trial{Params: x}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": c.p.F(x)}}}})
		}
		slices.SortFunc(req.Past, func(a, b search.Record) int {
			return cmp.Compare(a.Measurements[0].Metrics["loss"], b.Measurements[0].Metrics["loss"])
		})
		for id := range req.Past { // nothing is better than the first one
			req.Past[id].ID = id
		}
		a, got := &Auto{}, map[string]int{}
		for i := range 8 {
			req.First = (c.results+3)/4*4 + i
			why := a.Explain(req)
			name, _, _ := strings.Cut(why, ":")
			got[name]++
			if name == "tpe" || name == "untried" {
				if !strings.Contains(why, "of the next trials gp has") {
					t.Errorf("trial %d after %d results: %q", req.First, c.results, why)
				}
			}
		}
		for name, n := range got {
			if w := c.want[name]; n > w[1] && w[1] > 0 {
				t.Errorf("after %d results %s has %d of 8 trials, want %d to %d", c.results, name, n, w[0], w[1])
			}
		}
		for name, w := range c.want {
			if got[name] < w[0] {
				t.Errorf("after %d results %s has %d of 8 trials, want %d to %d: %v", c.results, name, got[name], w[0], w[1], got)
			}
		}
	}
}

// What it says of a request does not depend on what it has proposed before, for
// this one or others.
func TestAutoSaysTheSameOfTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	p, a := searchtest.Sphere(3), &Auto{}
	req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, N: 2}
	for id := range 40 {
		req.First = id
		ps, err := a.Propose(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := a.Explain(req), (&Auto{}).Explain(req); got != want {
			t.Fatalf("trial %d: %q, and from scratch %q", id, got, want)
		}
		r := search.Record{Trial: search.Trial{ID: id, Params: ps[0]}, State: search.Completed, Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": p.F(ps[0])}}}}
		if id%7 == 5 {
			r.State, r.Measurements = search.Infeasible, nil
		}
		req.Past = append(req.Past, r)
		if id%5 == 4 { // a result comes late
			v := &req.Past[id-3]
			v.Measurements = []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": p.F(v.Params) + 1}}}
			v.State = search.Completed
		}
	}
}

// Of several objectives the hypervolume's improvement is climbed while trials
// are few.
func TestAutoOfSeveralObjectives(t *testing.T) {
	t.Parallel()
	p := searchtest.Sphere(3)
	for _, c := range []struct {
		auto                *Auto
		objectives, results int
		want                string
	}{
		{&Auto{}, 2, 0, "quasi"}, {&Auto{}, 3, 50, "ehvi"}, {&Auto{}, 2, autoMostSeveral + 1, "motpe"}, {&Auto{}, 4, 50, "motpe"}, {&Auto{Cost: Time}, 2, 50, "ehvi"},
	} {
		req := search.Request{Space: p.Space, First: c.results, N: 1}
		for k := range c.objectives {
			req.Objectives = append(req.Objectives, search.Objective{Metric: string(rune('a' + k))})
		}
		for id := range c.results {
			at := p.Space.Sample(search.Rand(1, id))
			metrics := search.Metrics{}
			for k, o := range req.Objectives {
				metrics[o.Metric] = p.F(at) * float64((id+k)%3)
			}
			req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: at}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 1, Metrics: metrics}}})
		}
		if got := c.auto.Explain(req); !strings.HasPrefix(got, c.want+":") {
			t.Errorf("%d objectives after %d results: %q, want %s", c.objectives, c.results, got, c.want)
		}
		if ps, err := c.auto.Propose(t.Context(), req); err != nil || len(ps) != 1 {
			t.Errorf("%d objectives after %d results: %v, %v", c.objectives, c.results, ps, err)
		}
	}
}

// A user can see that a factor had numerical trouble.
func TestJitterIsReported(t *testing.T) {
	o := odds{feasible: &posterior{f: cholesky{jitter: 1e-9}}}
	if got := o.learned(2, "", &posterior{f: cholesky{jitter: 3e-9}}); got != ", and where 2 were infeasible; a Cholesky factor needed jitter of 3e-09" {
		t.Error(got)
	}
}

// Results at different budgets share their order, not their values.
func TestAutoUnderAScheduler(t *testing.T) {
	t.Parallel()
	p := searchtest.Sphere(5)
	r, err := searchtest.Simulate(searchtest.Simulation{
		Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, Sampler: Random{}, Scheduler: &scheduler.ASHA{Max: 9}, Trials: 30,
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
