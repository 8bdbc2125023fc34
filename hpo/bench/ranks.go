package main

import (
	"fmt"
	"io"
)

// ranks prints the mean rank of each of our samplers, alone among Optuna's: 1 is
// the best on every problem; equal medians share their ranks.
func (r *report) ranks(out io.Writer, ref reference) {
	if len(ref) == 0 {
		return
	}
	fmt.Fprintln(out, "mean rank among Optuna's samplers, and theirs")
	for _, s := range r.samplers {
		for _, who := range append([]string{s}, optunaSamplers...) {
			row, any := fmt.Sprintf("  %-36s", s), false
			if who != s {
				row = fmt.Sprintf("    %-34s", "optuna "+who)
			}
			for _, n := range r.at {
				sum, count := 0.0, 0
				for _, p := range r.problems {
					if rank, ok := r.rank(ref, p, s, who, n); ok {
						sum += rank
						count++
					}
				}
				if count > 0 {
					any = true
					row += fmt.Sprintf("%10.3g", sum/float64(count))
				}
			}
			if any {
				fmt.Fprintln(out, row)
			}
		}
	}
}

// rank is that of one sampler on a problem, among Optuna's and one of ours.
func (r *report) rank(ref reference, problem, ours, who string, n int) (rank float64, ok bool) {
	mine, ok := r.median(problem, ours, n)
	if !ok || ref[problem] == nil {
		return 0, false
	}
	values := map[string]float64{ours: mine}
	for _, s := range optunaSamplers {
		if x, ok := ref[problem][s][n]; ok {
			values["optuna "+s] = x
		}
	}
	if who != ours {
		who = "optuna " + who
	}
	x, ok := values[who]
	rank = .5
	for _, y := range values {
		switch {
		case y < x:
			rank++
		case y == x:
			rank += .5
		}
	}
	return rank, ok
}
