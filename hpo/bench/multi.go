package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"budwood/hpo"
	"budwood/search"
	"budwood/search/searchtest"
)

var schedulers = []struct {
	name string
	make func() search.Scheduler
}{
	{"none", func() search.Scheduler { return &hpo.Full{Max: epochs} }},
	{"halving", func() search.Scheduler { return &hpo.SuccessiveHalving{Max: epochs} }},
	{"asha", func() search.Scheduler { return &hpo.ASHA{Max: epochs} }},
	{"hyperband", func() search.Scheduler { return &hpo.Hyperband{Max: epochs} }},
	{"median", func() search.Scheduler { return &hpo.MedianStopping{Max: epochs} }},
}

// multi runs every scheduler with every sampler on the curves; names picks some
// of "sampler+scheduler".
func multi(out io.Writer, dir, parts, names string, seeds, units, parallel int) error {
	if dir == "" {
		return fmt.Errorf("the multi-fidelity suite needs -tables")
	}
	rep := &report{at: []int{10, 20, 30, 50}, runs: map[[2]string][][]float64{}}
	rep.at = slices.DeleteFunc(rep.at, func(n int) bool { return n > units })
	for _, task := range tasks {
		if parts != "" && !slices.ContainsFunc(strings.Split(parts, ","), func(s string) bool { return strings.Contains(task, s) }) {
			continue
		}
		c, err := loadCurves(dir, task)
		if err != nil {
			return err
		}
		p := c.problem("taskset_" + task)
		for _, sched := range schedulers {
			for _, s := range samplers {
				name := s.name + "+" + sched.name
				if names != "" && !slices.Contains(strings.Split(names, ","), name) {
					continue
				}
				for seed := range seeds {
					regrets, err := budgeted(p, s.s, sched.make(), units, parallel, uint64(seed))
					if err != nil {
						return fmt.Errorf("%s on %s, seed %d: %w", name, p.name, seed, err)
					}
					rep.add(p.name, name, regrets)
				}
			}
		}
		rep.problem(out, p.name, nil)
	}
	rep.summary(out, nil)
	return nil
}

// budgeted runs a study until the budget of so many full trainings is spent and
// returns the regret after each.
func budgeted(p problem, s search.Sampler, sched search.Scheduler, units, parallel int, seed uint64) ([]float64, error) {
	loss := p.run()
	r, err := searchtest.Simulate(searchtest.Simulation{
		Space: p.space, Objectives: []search.Objective{{Metric: "loss"}},
		Sampler: s, Scheduler: sched, Trials: 1000, Parallel: parallel, Seed: seed, Budget: units * p.top,
		Objective: func(trial int, at search.Params, from, to int) ([]float64, float64, search.State) {
			return []float64{loss(at, trial, from, to)}, float64(to - from), search.Paused
		},
	})
	if err != nil {
		return nil, err
	}
	return regrets(p, r.Trace, units), nil
}

// regrets is the regret after each unit of budget.
func regrets(p problem, trace []searchtest.Incumbent, units int) []float64 {
	out := make([]float64, units)
	best, k := 1e9, 0
	for i := range out {
		for k < len(trace) && trace[k].Budget <= (i+1)*p.top {
			best = p.regret(trace[k].Value)
			k++
		}
		out[i] = best
	}
	return out
}
