// Command bench measures samplers and schedulers on problems whose minimum is
// known, and prints the regret that is left: 1 is a typical random point, 0 the
// optimum. It reproduces a table for its seeds, and shows the results of Optuna
// beside it. docs/benchmarks/hpo.md has the commands and what they found.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"budwood/hpo"
	"budwood/hpo/scheduler"
	"budwood/internal/bench"
	"budwood/search"
	"budwood/search/searchtest"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

var samplers = []struct {
	name string
	s    search.Sampler
}{
	{"random", hpo.Random{}},
	{"quasi", hpo.Halton{}},
	{"sobol", hpo.Sobol{}},
	{"tpe", hpo.TPE{}},
	{"cmaes", &hpo.CMAES{}},
	{"gp", &hpo.GP{}},
	{"auto", &hpo.Auto{}},
}

func run(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	suite := fs.String("suite", "single", "single: full trainings; multi: curves under schedulers, -n counted in full trainings; pareto: several losses, the share of the volume that is missed; scale: writes lcbench.csv anew")
	tablesDir := fs.String("tables", bench.Data("bench", "hpo"), "directory with the tables of real trainings; nothing: functions only")
	optuna := fs.String("optuna", "", "with -suite multi and pareto: file with Optuna's results, to print beside ours (optuna_multi.py and optuna_pareto.py write it)")
	names := fs.String("samplers", "", "comma-separated; all by default")
	which := fs.String("problems", "", "comma-separated parts of names; all by default")
	seeds := fs.Int("seeds", 10, "runs of each")
	trials := fs.Int("n", 200, "evaluations of each run")
	show := fs.String("at", "", "comma-separated numbers of evaluations to show; 25,50,100,200 by default")
	parallel := fs.Int("parallel", 1, "trials at once, in virtual time")
	svg := fs.String("svg", "", "file to draw the curves into")
	runs := fs.String("runs", "", "with -suite single and multi: file for the regret of each run, as CSV")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *tablesDir == "" && *suite != "speed" && *suite != "multi" {
		fmt.Fprintf(os.Stderr, "functions only, without the tables of real trainings: %v\n", bench.ErrNoData)
	}
	if *suite == "pareto" {
		return pareto(out, *tablesDir, *which, *names, *optuna, *seeds, *trials)
	}
	if *suite == "scale" {
		l, err := loadLCBench(*tablesDir)
		if err != nil {
			return err
		}
		return l.scale(out)
	}
	if *suite == "speed" {
		return speed(out, *names, *trials)
	}
	if *suite == "multi" {
		return multi(out, *tablesDir, *which, *names, *optuna, *svg, *runs, *seeds, *trials, *parallel)
	}
	problems, err := collect(*tablesDir, *which)
	if err != nil {
		return err
	}
	if *optuna != "" {
		return fmt.Errorf("-optuna: the results of Optuna for -suite single are those of hpo/bench/optuna.csv")
	}
	ref, err := readOptuna()
	if err != nil {
		return err
	}
	rep := newReport(*trials)
	if *show != "" {
		rep.at = nil
		for _, s := range strings.Split(*show, ",") {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 || n > *trials {
				return fmt.Errorf("-at: %q is not a number from 1 to %d", s, *trials)
			}
			rep.at = append(rep.at, n)
		}
	}
	for _, p := range problems {
		for _, s := range samplers {
			if *names != "" && !slices.Contains(strings.Split(*names, ","), s.name) {
				continue
			}
			for seed := range *seeds {
				regrets, err := single(p, s.s, *trials, *parallel, uint64(seed))
				if err != nil {
					return fmt.Errorf("%s on %s, seed %d: %w", s.name, p.name, seed, err)
				}
				rep.add(p.name, s.name, regrets)
			}
		}
		rep.problem(out, p.name, ref)
	}
	rep.summary(out, ref)
	rep.ranks(out, ref)
	if err := rep.write(*runs); err != nil {
		return err
	}
	return rep.draw(*svg, "Regret left, functions and tables (1: a typical random point)", "evaluations")
}

// collect lists the problems whose names hold one of the parts.
func collect(dir, parts string) ([]problem, error) {
	want := func(name string) bool {
		return parts == "" || slices.ContainsFunc(strings.Split(parts, ","), func(s string) bool { return strings.Contains(name, s) })
	}
	var out []problem
	for _, p := range functions(append(searchtest.Problems(), searchtest.Odd()...)...) {
		if want(p.name) {
			out = append(out, p)
		}
	}
	if dir == "" {
		return out, nil
	}
	for _, t := range tables() {
		if !want(t.name) {
			continue
		}
		p, err := t.load(dir)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	for _, task := range tasks {
		if !want("taskset_" + task) {
			continue
		}
		c, err := loadCurves(dir, task)
		if err != nil {
			return nil, err
		}
		out = append(out, c.problem(c.name))
	}
	lc, err := loadLCBench(dir)
	if err != nil {
		return nil, err
	}
	for _, id := range lcTasks {
		if !want("lcbench_" + id) {
			continue
		}
		p, err := lc.problem(id)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// single runs a study at full budget and returns the regret after each
// evaluation.
func single(p problem, s search.Sampler, trials, parallel int, seed uint64) ([]float64, error) {
	loss := p.run()
	r, err := searchtest.Simulate(searchtest.Simulation{
		Space: p.space, Objectives: []search.Objective{{Metric: "loss"}},
		Sampler: s, Scheduler: &scheduler.NoStopping{Max: p.top}, Trials: trials, Parallel: parallel, Seed: seed,
		Objective: func(trial int, at search.Params, from, to int) ([]float64, float64, search.State) {
			_, least := loss(at, trial, from, to)
			return []float64{least}, 1 + search.Rand(seed, trial).Float64(), search.Paused
		},
	})
	if err != nil {
		return nil, err
	}
	return regrets(p, r.Trace, trials), nil
}
