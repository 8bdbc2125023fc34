package main

import (
	"context"
	"fmt"
	"io"

	"budwood/nas"
	"budwood/nas/nasbench"
	"budwood/search"
)

// after are the numbers of evaluations that the tables show.
var after = []int{10, 50, 100, 200}

// nasBench prints the mean of every method over seeds.
func nasBench(ctx context.Context, out io.Writer, dir string, seeds int) error {
	t, err := nasbench.Read(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "NAS-Bench-201, CIFAR-10: search by 12-epoch validation, 200-epoch test accuracy of the incumbent, mean of %d seeds.\n", seeds)
	err = compare(ctx, out, seeds, "%.2f", t.Accuracy, []method{
		{"random", nas.Random{Space: t.Space}},
		{"evolution (default)", nas.Evolution{Space: t.Space}},
		{"evolution, FLOPs proxy", nas.Evolution{Space: t.Space, Proxy: t.FLOPs}},
		{"local search", nas.LocalSearch{Space: t.Space}},
		{"predictor", nas.Predictor{Space: t.Space}},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nTest accuracy against latency: hypervolume, share of the exact front's, mean of %d seeds.\n", seeds)
	return compare(ctx, out, seeds, "%.3f", t.Front, []method{
		{"random", nas.Random{Space: t.Space}},
		{"NSGA-II", nas.NSGA2{Space: t.Space}},
	})
}

type method struct {
	name    string
	sampler search.Sampler
}

type measure func(ctx context.Context, s search.Sampler, seed uint64, after ...int) ([]float64, error)

func compare(ctx context.Context, out io.Writer, seeds int, format string, f measure, methods []method) error {
	fmt.Fprint(out, "\n| evaluations |")
	for _, n := range after {
		fmt.Fprintf(out, " %d |", n)
	}
	fmt.Fprint(out, "\n|---|---|---|---|---|\n")
	for _, m := range methods {
		mean := make([]float64, len(after))
		for seed := range seeds {
			got, err := f(ctx, m.sampler, uint64(seed), after...)
			if err != nil {
				return fmt.Errorf("%s: seed %d: %w", m.name, seed, err)
			}
			for i, x := range got {
				mean[i] += x / float64(seeds)
			}
		}
		fmt.Fprintf(out, "| %s |", m.name)
		for _, x := range mean {
			fmt.Fprintf(out, " "+format+" |", x)
		}
		fmt.Fprintln(out)
	}
	return nil
}
