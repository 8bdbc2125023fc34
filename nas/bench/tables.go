package main

import (
	"context"
	"fmt"

	"budwood/internal/bench"
	"budwood/nas"
	"budwood/nas/nasbench"
	"budwood/search"
)

// after are the numbers of evaluations that the tables show.
var after = []int{10, 50, 100, 200}

// nasBench is the mean of every method over seeds: the test accuracy after 200
// epochs of the best network by validation after 12, in percent, and the share
// that is found of the exact front's hypervolume.
func nasBench(ctx context.Context, dir string, seeds int) ([]bench.Table, error) {
	t, err := nasbench.Read(dir)
	if err != nil {
		return nil, err
	}
	accuracy, err := compare(ctx, "nas-accuracy", seeds, "%.2f", t.Accuracy, []method{
		{"random", nas.Random{Space: t.Space}},
		{"evolution (default)", nas.Evolution{Space: t.Space}},
		{"evolution, FLOPs proxy", nas.Evolution{Space: t.Space, Proxy: t.FLOPs}},
		{"local search", nas.LocalSearch{Space: t.Space}},
		{"predictor", nas.Predictor{Space: t.Space}},
	})
	if err != nil {
		return nil, err
	}
	front, err := compare(ctx, "nas-front", seeds, "%.3f", t.Front, []method{
		{"random", nas.Random{Space: t.Space}},
		{"NSGA-II", nas.NSGA2{Space: t.Space}},
	})
	if err != nil {
		return nil, err
	}
	large, err := largeSpace(ctx, seeds)
	return []bench.Table{accuracy, front, large}, err
}

// largeSpace is the mean regret, in standard deviations of random networks, in made-up
// spaces of 28 variables.
func largeSpace(ctx context.Context, seeds int) (bench.Table, error) {
	const chains = 8
	var all [chains]*nasbench.Chain // one grammar, other values
	for i := range all {
		var err error
		if all[i], err = nasbench.NewChain(uint64(i)); err != nil {
			return bench.Table{}, err
		}
	}
	space := all[0].Space
	return compare(ctx, "nas-large", seeds, "%.2f", func(ctx context.Context, s search.Sampler, seed uint64, after ...int) ([]float64, error) {
		return all[seed%chains].Search(ctx, s, seed, after...)
	}, []method{
		{"random", nas.Random{Space: space}},
		{"evolution (default)", nas.Evolution{Space: space}},
		{"local search", nas.LocalSearch{Space: space}},
		{"predictor", nas.Predictor{Space: space}},
	})
}

type method struct {
	name    string
	sampler search.Sampler
}

type measure func(ctx context.Context, s search.Sampler, seed uint64, after ...int) ([]float64, error)

func compare(ctx context.Context, name string, seeds int, format string, f measure, methods []method) (bench.Table, error) {
	t := bench.Table{Name: name, Head: []string{"evaluations"}}
	for _, n := range after {
		t.Head = append(t.Head, fmt.Sprint(n))
	}
	for _, m := range methods {
		mean := make([]float64, len(after))
		for seed := range seeds {
			got, err := f(ctx, m.sampler, uint64(seed), after...)
			if err != nil {
				return t, fmt.Errorf("%s: seed %d: %w", m.name, seed, err)
			}
			for i, x := range got {
				mean[i] += x / float64(seeds)
			}
		}
		row := []any{m.name}
		for _, x := range mean {
			row = append(row, fmt.Sprintf(format, x))
		}
		t.Add(row...)
	}
	return t, nil
}
