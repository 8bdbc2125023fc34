package main

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"budwood/search/searchtest"
)

// floor is the least regret that means something.
const floor = 1e-4

// userFloor is the least that a user of a noisy training would notice.
const userFloor = 1e-2

// at are the numbers of evaluations that the table shows.
var at = []int{25, 50, 100, 200}

// reference are Optuna's median regrets by problem, sampler and evaluations.
type reference map[string]map[string]map[int]float64

// optunaRuns are the results of Optuna 5.0.0.dev of August 2026 on the problems:
// quartiles of the regret.
//
//go:embed optuna.csv
var optunaRuns string

// readOptuna reads the medians of its samplers, each trained to the end.
func readOptuna() (reference, error) {
	lines, err := csv.NewReader(strings.NewReader(optunaRuns)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("optuna.csv: %w", err)
	}
	column := map[string]int{}
	for i, name := range lines[0] {
		column[name] = i
	}
	out := reference{}
	for _, l := range lines[1:] {
		cell := func(name string) string { return l[column[name]] }
		if cell("pruner") != "none" {
			continue
		}
		n, err := strconv.Atoi(cell("after"))
		if err != nil {
			return nil, fmt.Errorf("optuna.csv: %w", err)
		}
		median, err := strconv.ParseFloat(cell("median"), 64)
		if err != nil {
			return nil, fmt.Errorf("optuna.csv: %w", err)
		}
		problem, sampler := cell("problem"), cell("sampler")
		if out[problem] == nil {
			out[problem] = map[string]map[int]float64{}
		}
		if out[problem][sampler] == nil {
			out[problem][sampler] = map[int]float64{}
		}
		out[problem][sampler][n] = median
	}
	return out, nil
}

// report gathers regrets by problem and sampler.
type report struct {
	at       []int
	problems []string
	samplers []string
	runs     map[[2]string][][]float64
}

func newReport(trials int) *report {
	r := &report{runs: map[[2]string][][]float64{}}
	for _, n := range at {
		if n <= trials {
			r.at = append(r.at, n)
		}
	}
	return r
}

func (r *report) add(problem, sampler string, regrets []float64) {
	if !slices.Contains(r.problems, problem) {
		r.problems = append(r.problems, problem)
	}
	if !slices.Contains(r.samplers, sampler) {
		r.samplers = append(r.samplers, sampler)
	}
	key := [2]string{problem, sampler}
	r.runs[key] = append(r.runs[key], regrets)
}

// median is that of the regrets after n evaluations.
func (r *report) median(problem, sampler string, n int) (float64, bool) {
	runs := r.runs[[2]string{problem, sampler}]
	if len(runs) == 0 {
		return 0, false
	}
	x := make([]float64, len(runs))
	for i, run := range runs {
		x[i] = run[n-1]
	}
	slices.Sort(x)
	return median(x), true
}

// problem prints the rows of one.
func (r *report) problem(out io.Writer, name string, ref reference) {
	fmt.Fprintf(out, "\n%-38s", name)
	for _, n := range r.at {
		fmt.Fprintf(out, "%10d", n)
	}
	fmt.Fprintln(out)
	for _, s := range r.samplers {
		fmt.Fprintf(out, "  %-36s", s)
		for _, n := range r.at {
			if x, ok := r.median(name, s, n); ok {
				fmt.Fprintf(out, "%10.3g", x)
			}
		}
		fmt.Fprintln(out)
	}
	for _, s := range optunaSamplers {
		if ref[name][s] == nil {
			continue
		}
		fmt.Fprintf(out, "  %-36s", "optuna "+s)
		for _, n := range r.at {
			if x, ok := ref[name][s][n]; ok {
				fmt.Fprintf(out, "%10.3g", x)
			}
		}
		fmt.Fprintln(out)
	}
}

var optunaSamplers = []string{"random", "tpe_uv", "tpe_mv", "cmaes", "gp"}

// summary prints the geometric mean of the median regrets (none below 1e-4) over
// the problems for which Optuna's sampler is known, side by side.
func (r *report) summary(out io.Writer, ref reference) {
	fmt.Fprintf(out, "\ngeometric mean of the medians, floor %g\n", floor)
	for _, s := range r.samplers {
		fmt.Fprintf(out, "  %-36s", s)
		for _, n := range r.at {
			sum := 0.0
			for _, p := range r.problems {
				x, _ := r.median(p, s, n)
				sum += math.Log(max(x, floor))
			}
			fmt.Fprintf(out, "%10.3g", math.Exp(sum/float64(len(r.problems))))
		}
		fmt.Fprintln(out)
	}
	for _, low := range []float64{floor, userFloor} {
		for _, kind := range []string{"", "functions", "odd", "trainings"} {
			r.means(out, kind, low)
		}
	}
	for _, o := range optunaSamplers {
		for _, s := range r.samplers {
			row, any := fmt.Sprintf("  %-36s", s+" / optuna "+o), false
			for _, n := range r.at {
				sum, count := 0.0, 0
				for _, p := range r.problems {
					x, _ := r.median(p, s, n)
					if y, ok := ref[p][o][n]; ok {
						sum += math.Log(max(x, floor)) - math.Log(max(y, floor))
						count++
					}
				}
				if count > 0 {
					any = true
					row += fmt.Sprintf("%10.3g", math.Exp(sum/float64(count)))
				}
			}
			if any {
				fmt.Fprintln(out, row)
			}
		}
	}
}

// means prints the geometric mean of all runs on the problems of a kind, "" for all.
func (r *report) means(out io.Writer, kind string, low float64) {
	of := slices.DeleteFunc(slices.Clone(r.problems), func(p string) bool { return kind != "" && kindOf(p) != kind })
	if len(of) == 0 || len(of) == len(r.problems) && kind != "" {
		return
	}
	fmt.Fprintf(out, "geometric mean of all runs, floor %g, %d problems %s\n", low, len(of), kind)
	for _, s := range r.samplers {
		fmt.Fprintf(out, "  %-36s", s)
		for _, n := range r.at {
			sum, count := 0.0, 0
			for _, p := range of {
				for _, run := range r.runs[[2]string{p, s}] {
					sum += math.Log(max(run[n-1], low))
					count++
				}
			}
			fmt.Fprintf(out, "%10.3g", math.Exp(sum/float64(count)))
		}
		fmt.Fprintln(out)
	}
}

// kindOf is the kind of a problem: functions, odd ones, and tables of trainings.
func kindOf(problem string) string {
	for _, p := range searchtest.Odd() {
		if p.Name == problem {
			return "odd"
		}
	}
	for _, p := range searchtest.Problems() {
		if p.Name == problem {
			return "functions"
		}
	}
	return "trainings"
}

// write writes the regret of each run after the numbers of evaluations that are shown.
func (r *report) write(file string) error {
	if file == "" {
		return nil
	}
	var b strings.Builder
	fmt.Fprintln(&b, "problem,kind,sampler,seed,after,regret")
	for _, p := range r.problems {
		for _, s := range r.samplers {
			for seed, run := range r.runs[[2]string{p, s}] {
				for _, n := range r.at {
					fmt.Fprintf(&b, "%s,%s,%s,%d,%d,%g\n", p, kindOf(p), s, seed, n, run[n-1])
				}
			}
		}
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
