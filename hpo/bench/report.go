package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// floor is the least regret that means something.
const floor = 1e-4

// at are the numbers of evaluations that the table shows.
var at = []int{25, 50, 100, 200}

// reference are Optuna's median regrets by problem, sampler and evaluations.
type reference map[string]map[string]map[int]float64

// readOptuna reads optuna.json.
func readOptuna(file string) (reference, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var f struct {
		Results []struct {
			Problem, Sampler, Pruner string
			Regret                   map[string]struct{ Median float64 }
		}
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	out := reference{}
	for _, r := range f.Results {
		if r.Pruner != "none" {
			continue
		}
		if out[r.Problem] == nil {
			out[r.Problem] = map[string]map[int]float64{}
		}
		m := map[int]float64{}
		for _, n := range at {
			if v, ok := r.Regret[fmt.Sprint(n)]; ok {
				m[n] = v.Median
			}
		}
		out[r.Problem][r.Sampler] = m
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
	fmt.Fprintf(out, "geometric mean of all runs, floor %g\n", floor)
	for _, s := range r.samplers {
		fmt.Fprintf(out, "  %-36s", s)
		for _, n := range r.at {
			sum, count := 0.0, 0
			for _, p := range r.problems {
				for _, run := range r.runs[[2]string{p, s}] {
					sum += math.Log(max(run[n-1], floor))
					count++
				}
			}
			fmt.Fprintf(out, "%10.3g", math.Exp(sum/float64(count)))
		}
		fmt.Fprintln(out)
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
