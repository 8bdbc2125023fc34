package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"budwood/search"
)

// speed prints how long a proposal takes after n trials in a mixed space of 5 and
// of 20 parameters, in milliseconds: the first one, which has everything to
// compute, and the median of those that follow it, a result each.
func speed(out io.Writer, names string, most int) error {
	const more = 15
	fmt.Fprintf(out, "%-10s %5s %8s %12s %12s\n", "sampler", "D", "trials", "first", "median")
	for _, s := range samplers {
		if names != "" && !slices.Contains(strings.Split(names, ","), s.name) {
			continue
		}
		for _, d := range []int{5, 20} {
			space := mixed(d)
			for _, n := range []int{100, 300, 1000, 3000, 10_000, 100_000} {
				if n > most {
					break
				}
				var past []search.Record
				for id := range n {
					past = append(past, trained(id, space.Sample(search.Rand(1, id))))
				}
				var took []float64
				for range more {
					req := search.Request{Space: space, Objectives: []search.Objective{{Metric: "loss"}}, Past: past, First: len(past), N: 1}
					begin := time.Now()
					p, err := s.s.Propose(context.Background(), req)
					if err != nil {
						return fmt.Errorf("%s after %d trials: %w", s.name, n, err)
					}
					took = append(took, time.Since(begin).Seconds()*1000)
					past = append(past, trained(len(past), p[0]))
				}
				first := took[0]
				slices.Sort(took)
				fmt.Fprintf(out, "%-10s %5d %8d %12.3f %12.3f\n", s.name, d, n, first, median(took))
			}
		}
	}
	return nil
}

// mixed is a space of d parameters of four kinds.
func mixed(d int) search.Space {
	var s search.Space
	for i := range d {
		name := fmt.Sprintf("x%d", i)
		s = append(s, []search.Param{search.Float(name, -5, 5), search.LogFloat(name, 1e-5, 1), search.Int(name, 1, 64), search.Choice(name, "a", "b", "c")}[i%4])
	}
	return s
}

// trained is a trial with a loss that depends on every parameter.
func trained(id int, p search.Params) search.Record {
	loss := 0.0
	for _, k := range p.Names() {
		switch v := p[k].(type) {
		case float64:
			loss += math.Abs(v) / (1 + math.Abs(v))
		case int:
			loss += math.Abs(float64(v-20)) / 64
		case string:
			loss += float64(v[0]-'a') / 4
		}
	}
	return search.Record{Trial: search.Trial{ID: id, Params: p}, State: search.Completed,
		Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": loss}}}}
}
