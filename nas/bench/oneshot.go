package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"budwood/data"
	"budwood/internal/bench"
	"budwood/search"
	"budwood/study"
)

// oneShot is the name of evolution over a supernet beside those of the samplers.
const oneShot = "oneshot"

// single makes of a study file one that also a supernet can serve, so that all
// methods search the same: one validation part, no hyperparameters in the space, no
// average of the weights.
func single(s *study.Spec) {
	if s.Data.Split.CV > 0 {
		s.Data.Split.CV, s.Data.Split.Valid = 0, .2
	}
	train := search.Params{"lr": .01}
	for k, v := range s.Train {
		if k != "ema" && k != "lookahead" {
			train[k] = v
		}
	}
	s.Space, s.Constraints, s.StartWith, s.Train = nil, nil, nil, train
}

// ranking trains random networks alone, twice with other seeds, judges the same ones
// with shared weights, and says how well the rankings agree.
func ranking(ctx context.Context, progress io.Writer, name, dir string, seed uint64, networks, alone int, epochs []int) ([]bench.Table, error) {
	cache := &data.Cache{}
	run := func(what string, edit func(*study.Spec)) (*outcome, error) {
		spec, err := load(ctx, name, dir, cache, func(s *study.Spec) {
			single(s)
			s.Name, s.Retrain, s.Search.Seed, s.Search.Scheduler = what, study.Retrain{}, seed, "none"
			s.Search.Sampler = "random"
			s.Budget = study.Budget{Trials: networks, Epochs: alone}
			edit(s)
		})
		if err != nil {
			return nil, err
		}
		o, err := runStudy(ctx, spec)
		if err == nil {
			fmt.Fprintf(progress, "%s: %d trials in %s\n", what, len(o.result.Trials), round(o.wall))
		}
		return o, err
	}
	one, err := run("alone", func(*study.Spec) {})
	if err != nil {
		return nil, err
	}
	again := func(s *study.Spec) {
		for i := range one.result.Trials {
			s.StartWith = append(s.StartWith, one.result.Trials[i].Params)
		}
		s.Search.Seed = seed + 1000
	}
	two, err := run("alone-again", again)
	if err != nil {
		return nil, err
	}
	t := bench.Table{Name: "nas-" + name + "-ranks", Head: []string{"weights", "seed", "Kendall τ of accuracy", "Spearman ρ of accuracy", "Kendall τ of loss", "Spearman ρ of loss", "mean accuracy, %", "wall, s"}}
	row := func(what string, o *outcome) {
		cells := []any{what, seed}
		for _, metric := range []string{"valid_accuracy", "valid_loss"} {
			x, y := values(one, metric), values(o, metric)
			cells = append(cells, fmt.Sprintf("%.2f", kendall(x, y)), fmt.Sprintf("%.2f", search.Spearman(x, y)))
		}
		mean := 0.
		for _, v := range values(o, "valid_accuracy") {
			mean += v / float64(networks)
		}
		t.Add(append(cells, fmt.Sprintf("%.1f", 100*mean), fmt.Sprintf("%.1f", o.wall.Seconds()))...)
	}
	row(fmt.Sprintf("alone again, %d epochs, another seed", alone), two)
	for _, paths := range []string{"uniform", "fair"} {
		for _, n := range epochs {
			o, err := run(fmt.Sprintf("%s-%d", paths, n), func(s *study.Spec) {
				again(s)
				s.Search.Supernet, s.Budget.Epochs, s.Retrain = paths, n, study.Retrain{Best: 1, Epochs: 1}
			})
			if err != nil {
				return nil, err
			}
			row(fmt.Sprintf("shared weights of %d epochs, %s paths", n, paths), o)
		}
	}
	return []bench.Table{t}, nil
}

// values are a metric of the trials of the search, in their order.
func values(o *outcome, metric string) (out []float64) {
	for i := range o.result.Trials {
		if r := &o.result.Trials[i]; !isRetrained(r) {
			m, _ := r.Last()
			out = append(out, m.Metrics[metric])
		}
	}
	return out
}

// kendall is τ-b, which allows for ties (Kendall 1945); 0 if a side is constant.
func kendall(x, y []float64) float64 {
	var same, bothX, bothY float64
	for i := range x {
		for j := range i {
			a, b := sign(x[i]-x[j]), sign(y[i]-y[j])
			same += a * b
			bothX += a * a
			bothY += b * b
		}
	}
	if bothX == 0 || bothY == 0 {
		return 0
	}
	return same / math.Sqrt(bothX*bothY)
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
