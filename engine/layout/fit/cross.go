package main

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"budwood/engine/layout"
)

// split is the runs that are fitted to and those that are predicted.
type split struct{ train, test []*run }

// cross fits to some of the runs and predicts the others: tenths of the runs are left
// out by chance, halves of every source, and each source in turn.
func cross(runs []*run) []layout.Crossed {
	var tenths, halves, sources []split
	order := rand.New(rand.NewPCG(0, 0)).Perm(len(runs))
	for fold := range 10 {
		tenths = append(tenths, leave(runs, func(j int) bool { return order[j]%10 == fold }))
	}
	for seed := range uint64(2) {
		half := map[int]bool{}
		rng := rand.New(rand.NewPCG(seed, 0))
		for _, kind := range distinct(runs, (*run).kind) {
			n := 0
			for _, j := range rng.Perm(len(runs)) {
				if runs[j].kind() == kind {
					half[j] = n%2 == 0
					n++
				}
			}
		}
		halves = append(halves, leave(runs, func(j int) bool { return half[j] }), leave(runs, func(j int) bool { return !half[j] }))
	}
	for _, s := range distinct(runs, func(r *run) string { return r.source }) {
		sources = append(sources, leave(runs, func(j int) bool { return runs[j].source == s }))
	}
	return []layout.Crossed{
		crossed("a tenth of the runs left out, ten times", tenths),
		crossed("half of every source left out, four times", halves),
		crossed(fmt.Sprintf("one of the %d sources left out at a time", len(sources)), sources),
	}
}

func leave(runs []*run, out func(int) bool) (s split) {
	for j, r := range runs {
		if out(j) {
			s.test = append(s.test, r)
		} else {
			s.train = append(s.train, r)
		}
	}
	return s
}

func distinct(runs []*run, of func(*run) string) (out []string) {
	seen := map[string]bool{}
	for _, r := range runs {
		if s := of(r); !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// crossed predicts the test runs of all splits, two at a time. Pairs are those of
// test runs of one split.
func crossed(name string, splits []split) layout.Crossed {
	parts := make([]predictions, len(splits))
	var wg sync.WaitGroup
	next := make(chan int)
	for range 2 {
		wg.Go(func() {
			for i := range next {
				p, err := predict(splits[i].test, fit(splits[i].train))
				if err != nil {
					panic(err)
				}
				parts[i] = p
			}
		})
	}
	for i := range splits {
		next <- i
	}
	close(next)
	wg.Wait()
	var all predictions
	right, pairs := 0, 0
	for _, p := range parts {
		all = append(all, p...)
		r, n := p.pairs(.05, measuredSpeed, (*prediction).speed)
		right, pairs = right+r, pairs+n
	}
	c := layout.Crossed{LeftOut: name, Pairs: float64(right) / float64(pairs)}
	c.Median, c.Mean, c.Worst, c.Within = all.errors()
	return c
}
