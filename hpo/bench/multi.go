package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"budwood/hpo/scheduler"
	"budwood/internal/bench"
	"budwood/search"
	"budwood/search/searchtest"
)

var schedulers = []struct {
	name string
	make func() search.Scheduler
}{
	{"none", func() search.Scheduler { return &scheduler.NoStopping{Max: epochs} }},
	{"halving", func() search.Scheduler { return &scheduler.SuccessiveHalving{Max: epochs} }},
	{"asha", func() search.Scheduler { return &scheduler.ASHA{Max: epochs} }},
	{"hyperband", func() search.Scheduler { return &scheduler.Hyperband{Max: epochs} }},
	{"median", func() search.Scheduler { return &scheduler.MedianStopping{Max: epochs} }},
	{"plateau", func() search.Scheduler { return &scheduler.Plateau{Max: epochs} }},
	{"extrapolation", func() search.Scheduler { return &scheduler.Extrapolation{Max: epochs} }},
}

// multi runs every scheduler with every sampler on the curves; names picks some
// of "sampler+scheduler". Optuna's results are those of optuna_multi.py.
func multi(out io.Writer, dir, parts, names, optuna, svg, runs string, seeds, units, parallel int) error {
	if dir == "" {
		return fmt.Errorf("-suite multi reads tables of real trainings, and -tables names none: %w", bench.ErrNoData)
	}
	rep := &report{at: []int{10, 20, 30, 50}, runs: map[[2]string][][]float64{}}
	rep.at = slices.DeleteFunc(rep.at, func(n int) bool { return n > units })
	ref, err := readOptunaMulti(optuna)
	if err != nil {
		return err
	}
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
		for _, s := range []string{"tpe", "random"} {
			for _, run := range ref[p.name][s] {
				if len(run) < units {
					return fmt.Errorf("%s: %s on %s has %d units, want %d", optuna, s, p.name, len(run), units)
				}
				rep.add(p.name, "optuna "+s+"+hyperband", run)
			}
		}
		rep.problem(out, p.name, nil)
	}
	rep.summary(out, nil)
	if err := rep.write(runs); err != nil {
		return err
	}
	return rep.draw(svg, "Regret left on learning curves (1: a typical random point)", "budget, in full trainings")
}

// readOptunaMulti reads the runs that optuna_multi.py wrote: for each task and
// sampler the regret after each unit, a row a seed.
func readOptunaMulti(file string) (map[string]map[string][][]float64, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var f struct {
		Runs map[string]map[string][][]float64 `json:"runs"`
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return f.Runs, nil
}

// budgeted runs a study until the budget of so many full trainings is spent and
// returns the regret after each: of the least loss that was seen until then, at
// whatever epoch.
func budgeted(p problem, s search.Sampler, sched search.Scheduler, units, parallel int, seed uint64) ([]float64, error) {
	m := &meter{Scheduler: sched, p: p, at: map[int]int{}, low: map[int]float64{}, out: make([]float64, 0, units)}
	loss := p.run()
	_, err := searchtest.Simulate(searchtest.Simulation{
		Space: p.space, Objectives: []search.Objective{{Metric: "loss"}},
		Sampler: s, Scheduler: m, Trials: 1000, Parallel: parallel, Seed: seed, Budget: units * p.top,
		Objective: func(trial int, at search.Params, from, to int) ([]float64, float64, search.State) {
			y, low := loss(at, trial, from, to)
			m.low[trial] = low
			return []float64{y}, float64(to - from), search.Paused
		},
	})
	if err != nil {
		return nil, err
	}
	for len(m.out) < units {
		m.out = append(m.out, m.regret())
	}
	return m.out[:units], nil
}

// meter is a scheduler that keeps an account of what was spent and found.
type meter struct {
	search.Scheduler
	p     problem
	at    map[int]int     // budget of a trial
	low   map[int]float64 // least loss of a trial's segment
	spent int
	best  float64
	out   []float64 // regret after each full training's worth
}

func (m *meter) Step(e search.Event) []search.Action {
	if r, ok := e.(search.Reported); ok {
		if m.spent == 0 {
			m.best = math.Inf(1)
		}
		m.spent += r.Budget - m.at[r.Trial]
		m.at[r.Trial] = r.Budget
		for len(m.out) < (m.spent-1)/m.p.top { // units that ended before this segment did
			m.out = append(m.out, m.regret())
		}
		m.best = min(m.best, m.low[r.Trial])
	}
	return m.Scheduler.Step(e)
}

func (m *meter) regret() float64 { return min(m.p.regret(m.best), 1e9) }

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
