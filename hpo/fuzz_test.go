package hpo

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

// FuzzSamplers asks every sampler for points after pasts of every kind: each is a
// new point of the space that satisfies the constraints, and the same one again.
func FuzzSamplers(f *testing.F) { f.Fuzz(rapid.MakeFuzz(proposesAfterAnything)) }

func TestSamplersAfterAnything(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	rapid.Check(t, proposesAfterAnything)
}

var everySampler = map[string]func(*rapid.T) search.Sampler{
	"auto":      func(t *rapid.T) search.Sampler { return &Auto{Cost: drawCost(t)} },
	"gp":        func(t *rapid.T) search.Sampler { return &GP{Cost: drawCost(t)} },
	"ehvi":      func(t *rapid.T) search.Sampler { return &EHVI{Cost: drawCost(t)} },
	"tpe":       func(t *rapid.T) search.Sampler { return TPE{Cost: drawCost(t)} },
	"motpe":     func(t *rapid.T) search.Sampler { return MOTPE{Cost: drawCost(t)} },
	"cmaes":     func(t *rapid.T) search.Sampler { return &CMAES{} },
	"evolution": func(t *rapid.T) search.Sampler { return Evolution{} },
	"nsga2":     func(t *rapid.T) search.Sampler { return NSGA2{} },
	"random":    func(t *rapid.T) search.Sampler { return Random{} },
	"halton":    func(t *rapid.T) search.Sampler { return Halton{} },
	"sobol":     func(t *rapid.T) search.Sampler { return Sobol{} },
	"grid":      func(t *rapid.T) search.Sampler { return Grid{Points: 20} },
}

func drawCost(t *rapid.T) CostMetric {
	return rapid.SampledFrom([]CostMetric{"", Energy, Time}).Draw(t, "cost")
}

func proposesAfterAnything(t *rapid.T) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(everySampler))).Draw(t, "sampler")
	req := search.Request{Space: anySpace(t), N: rapid.IntRange(1, 3).Draw(t, "n"), Seed: rapid.Uint64Range(0, 3).Draw(t, "seed")}
	dims := len(req.Space.Dims())
	most := 40
	if dims > 50 {
		most = 14
	}
	for k := range rapid.IntRange(1, 3).Draw(t, "objectives") {
		req.Objectives = append(req.Objectives, search.Objective{Metric: fmt.Sprint("m", k), Goal: rapid.SampledFrom([]search.Goal{search.Minimize, search.Maximize}).Draw(t, "goal")})
	}
	if conditions := searchtest.DrawConditions(t, req.Space); rapid.Bool().Draw(t, "constrained") {
		if c, err := search.Constrain(req.Space, conditions...); err == nil {
			req.Constraints = c
		}
	}
	scale := rapid.SampledFrom([]float64{0, 5e-324, 1e-200, 1, 1e200, math.MaxFloat64}).Draw(t, "scale")
	for id := range rapid.IntRange(0, most).Draw(t, "trials") {
		req.Past = append(req.Past, anyRecord(t, req, id, scale))
	}
	req.First = len(req.Past)
	s := everySampler[name](t)
	got, err := s.Propose(t.Context(), req)
	if err != nil {
		if !errors.Is(err, search.ErrExhausted) || req.Space.Size() == 0 && req.Constraints.None() {
			t.Fatalf("%s: %v", name, err)
		}
		return
	}
	if e, ok := s.(search.Explainer); ok && e.Explain(req) == "" {
		t.Fatalf("%s says nothing", name)
	}
	for i, p := range got {
		if _, err := req.Space.Check(p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if text, broken := req.Constraints.Broken(p); broken {
			t.Fatalf("%s: %v breaks %s", name, p, text)
		}
		if dims > 0 && repeats(req, got[:i], p) {
			t.Fatalf("%s: %v again", name, p)
		}
	}
	if again, _ := s.Propose(t.Context(), req); !reflect.DeepEqual(got, again) {
		t.Fatalf("%s: %v, and then %v", name, got, again)
	}
}

// anySpace is one of a drawn kind, from none to 200 parameters.
func anySpace(t *rapid.T) search.Space {
	switch rapid.IntRange(0, 7).Draw(t, "space") {
	case 0:
		return search.Space{search.Float("x", -1e300, 1e300)}
	case 1:
		return search.Space{search.Float("x", 1, 1), search.Int("n", 3, 3), search.Choice("c", "only")}
	case 2:
		var s search.Space
		for i := range 50 {
			s = append(s, search.Float(fmt.Sprint("f", i), -1, 1), search.Int(fmt.Sprint("i", i), 1, 9), search.LogFloat(fmt.Sprint("l", i), 1e-300, 1e300), search.Choice(fmt.Sprint("c", i), "a", "b", "c"))
		}
		return s
	}
	return searchtest.DrawSpace(t)
}

// anyRecord is a trial at a drawn point, an earlier one or one of another space.
func anyRecord(t *rapid.T, req search.Request, id int, scale float64) search.Record {
	r := search.Record{Trial: search.Trial{ID: id, Params: req.Space.Sample(search.Rand(7, id))},
		State: rapid.SampledFrom([]search.State{search.Completed, search.Completed, search.Completed, search.Stopped, search.Paused, search.Running, search.Failed, search.Diverged, search.Infeasible}).Draw(t, "state")}
	switch kind := rapid.IntRange(0, 9).Draw(t, "params"); {
	case kind == 0 && id > 0:
		r.Params = req.Past[rapid.IntRange(0, id-1).Draw(t, "of")].Params
	case kind == 1:
		r.Params = search.Params{"x": "odd", "p1": 1e300, "other": true}
	}
	r.Seconds = rapid.SampledFrom([]float64{0, 1e-300, 1, 1e300, math.Inf(1), math.NaN()}).Draw(t, "seconds")
	r.Joules = r.Seconds
	for b := range rapid.IntRange(0, 2).Draw(t, "budgets") {
		m := search.Metrics{}
		for _, o := range req.Objectives {
			m[o.Metric] = scale * rapid.Float64Range(-1, 1).Draw(t, "loss")
			if odd := rapid.IntRange(0, 19).Draw(t, "odd"); odd < 3 {
				m[o.Metric] = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[odd]
			}
		}
		r.Measurements = append(r.Measurements, search.Measurement{Budget: b + 1, Metrics: m})
	}
	return r
}
