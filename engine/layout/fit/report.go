package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"budwood/engine/layout"
)

// prediction is a run and what was predicted of it.
type prediction struct {
	*run
	*layout.Estimate
}

// err is predicted time / measured time − 1.
func (p *prediction) err() float64 { return p.Time.Step/p.seconds() - 1 }

// speed is the predicted TFLOP/s of a device, as the source counts them.
func (p *prediction) speed() float64 { return p.measured * p.seconds() / p.Time.Step }

type predictions []prediction

// predict predicts runs. The error tells of all that have a plan which the model does
// not know; the others are predicted.
func predict(runs []*run, k *layout.Constants) (predictions, error) {
	var out predictions
	var wrong []error
	for _, r := range runs {
		e, err := r.predict(k)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s, %s: %w", r.source, r.name, err))
			continue
		}
		out = append(out, prediction{r, e})
	}
	return out, errors.Join(wrong...)
}

// errors are the median and the mean of the absolute errors, the largest, and the
// share up to 20 %.
func (p predictions) errors() (median, mean, worst, within float64) {
	var all []float64
	for i := range p {
		e := math.Abs(p[i].err())
		all = append(all, e)
		mean += e / float64(len(p))
		worst = max(worst, e)
		if e <= .2 {
			within += 1 / float64(len(p))
		}
	}
	slices.Sort(all)
	if n := len(all); n > 0 {
		median = (all[(n-1)/2] + all[n/2]) / 2
	}
	return median, mean, worst, within
}

// pairs counts the pairs of runs of a source whose values differ by more than a
// share, and those of them that are predicted in the right order.
func (p predictions) pairs(share float64, measured, predicted func(*prediction) float64) (right, all int) {
	for i := range p {
		for j := range i {
			x, y := measured(&p[i]), measured(&p[j])
			if p[i].source != p[j].source || x == 0 || y == 0 || math.Abs(x-y) <= share*max(x, y) {
				continue
			}
			all++
			if (predicted(&p[i]) > predicted(&p[j])) == (x > y) {
				right++
			}
		}
	}
	return right, all
}

func measuredSpeed(p *prediction) float64 { return p.measured }

// report tells the error of each run and the figures of all.
func (p predictions) report(w io.Writer, k *layout.Constants) error {
	by := map[string]predictions{}
	var sources []string
	for i := range p {
		x := &p[i]
		fmt.Fprintf(w, "%-20s %-26s %7.1f TFLOP/s, predicted %7.1f, time %+6.1f %%  %s\n", x.source, x.name, x.measured, x.speed(), 100*x.err(), x.Plan)
		if by[x.source] == nil {
			sources = append(sources, x.source)
		}
		by[x.source] = append(by[x.source], *x)
	}
	for _, s := range append(sources, "all") {
		q := by[s]
		if s == "all" {
			q = p
		}
		median, mean, worst, within := q.errors()
		right, all := q.pairs(.05, measuredSpeed, (*prediction).speed)
		fmt.Fprintf(w, "%-20s %2d runs: median %.1f %%, mean %.1f %%, worst %.1f %%, within 20 %%: %.0f %%, order of pairs %d of %d\n", s, len(q), 100*median, 100*mean, 100*worst, 100*within, right, all)
	}
	for i := range p {
		if x := &p[i]; x.memory > 0 {
			fmt.Fprintf(w, "memory of %-26s %6.0f MiB, predicted %6.0f\n", x.name, x.memory/(1<<20), x.Memory().Total()/(1<<20))
		}
	}
	right, all := p.pairs(0, func(x *prediction) float64 { return x.memory }, func(x *prediction) float64 { return x.Memory().Total() })
	fmt.Fprintf(w, "memory: order of pairs %d of %d\n", right, all)
	return p.chosen(w, k)
}

// chosen compares the published plans of table 1 with those of a search, among plans
// of the same kind: zero 0 and full recompute.
func (p predictions) chosen(w io.Writer, k *layout.Constants) error {
	for i := range p {
		x := &p[i]
		if x.source != "narayanan2021-t1" {
			continue
		}
		q := x.problem
		q.Constants = k
		q.Fixed = layout.Cuts{Zero: new(int), Recompute: layout.RecomputeBlocks}
		a, err := q.Search()
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "chosen for %s: %s, %.0f GiB; the published plan is predicted %+.1f %% slower\n", x.name, a.Best.Plan, a.Best.Memory().Total()/(1<<30), 100*(x.Time.Step/a.Best.Time.Step-1))
	}
	return nil
}
