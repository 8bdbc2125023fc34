package study

import (
	"testing"

	"budwood/data"
	"budwood/nas"
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
