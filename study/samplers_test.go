package study

import (
	"errors"
	"testing"
	"time"

	"budwood/data"
	"budwood/nas"
	"budwood/search"
)

// The first trials of an architecture search, which are random, are a part of a
// short study, and no more than is usual of a long one.
func TestPopulationsFitTheBudget(t *testing.T) {
	first := func(sampler string, trials int) int {
		s := &Spec{Name: "short", Architecture: &nas.Spec{Family: "mlp"}, Input: data.Shape{6}, Outputs: 3}
		s.Search.Sampler, s.Budget.Trials = sampler, trials
		got, err := newSampler(s)
		if err != nil {
			t.Fatal(err)
		}
		switch got := got.(type) {
		case nas.Evolution:
			return got.Population
		case nas.NSGA2:
			return got.Population
		case nas.NSGA3:
			return got.Population
		case nas.LocalSearch:
			return got.First
		case nas.Predictor:
			return got.First
		}
		t.Fatalf("%s is %T", sampler, got)
		return 0
	}
	for sampler, usual := range map[string]int{"evolution": 30, "nsga2": 10, "nsga3": 20, "local": 10, "predictor": 20} {
		for _, trials := range []int{16, 30, 1000} {
			if n := first(sampler, trials); n < 5 || n > trials/2 || n > usual || trials == 1000 && n != usual {
				t.Errorf("%s begins %d trials with %d random ones", sampler, trials, n)
			}
		}
	}
}

// A study that its time ends after some thirty trials does not begin with thirty random
// ones, whatever number of trials its budget names.
func TestPopulationsFitTheTime(t *testing.T) {
	random := func(limit time.Duration, wh, seconds, joules float64) (n int) {
		s := &Spec{Name: "brief", Architecture: &nas.Spec{Family: "mlp"}, Input: data.Shape{6}, Outputs: 3, Objective: search.Objective{Metric: "loss"}}
		s.Search.Parallel, s.Budget.Trials, s.Budget.Time, s.Budget.EnergyWh = 1, 1000, Duration(limit), wh
		sampler, err := newSampler(s)
		if err != nil {
			t.Fatal(err)
		}
		var past []search.Record
		for id := range 40 {
			p, err := sampler.Propose(t.Context(), search.Request{Objectives: s.Objectives(), Past: past, First: id, N: 1, Seed: 1})
			if err != nil && !errors.Is(err, search.ErrExhausted) || len(p) != 1 {
				t.Fatal(p, err)
			}
			if o, ok := nas.OriginOf(p[0]); !ok || len(o.Parents) == 0 {
				n++
			}
			past = append(past, search.Record{Trial: search.Trial{ID: id, Params: p[0]}, State: search.Completed, Seconds: seconds, Joules: joules,
				Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": float64(id % 7)}}}})
		}
		return n
	}
	for _, c := range []struct {
		limit           time.Duration
		wh              float64
		seconds, joules float64
		want            int
	}{
		{0, 0, 1.5, 0, 30},
		{45 * time.Second, 0, 1.5, 0, 10},
		{45 * time.Minute, 0, 1.5, 0, 30},
		{0, .01, 1.5, 1, 12},
		{45 * time.Second, 0, 0, 0, 8}, // nothing is known of what a trial takes
	} {
		if got := random(c.limit, c.wh, c.seconds, c.joules); got < c.want || got > c.want+3 {
			t.Errorf("%v, %g Wh, trials of %g s and %g J: %d of 40 are random, want %d", c.limit, c.wh, c.seconds, c.joules, got, c.want)
		}
	}
}
