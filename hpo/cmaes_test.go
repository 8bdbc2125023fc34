package hpo

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestCMAES(t *testing.T) {
	t.Parallel()
	searchtest.Sampler(t, &CMAES{})
}

// A proposal after 1,000 trials that were seen before, as in a running study.
func BenchmarkCMAES(b *testing.B) { benchmarkGrowing(b, func() search.Sampler { return &CMAES{} }) }

// benchmarkGrowing times proposals of a study that grows by one trial each time.
func benchmarkGrowing(b *testing.B, make func() search.Sampler) {
	for _, d := range []int{5, 20} {
		b.Run(map[int]string{5: "5-D", 20: "20-D"}[d], func(b *testing.B) {
			p, s := searchtest.Sphere(d), make()
			req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "loss"}}, N: 1}
			grow := func() {
				req.First = len(req.Past)
				ps, err := s.Propose(context.Background(), req)
				if err != nil {
					b.Fatal(err)
				}
				req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: req.First, Params: ps[0]}, State: search.Completed,
					Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": p.F(ps[0])}}}})
			}
			for range 1000 {
				grow()
			}
			b.ReportAllocs()
			times := []float64{}
			for b.Loop() {
				if len(req.Past) > 1100 {
					req.Past = req.Past[:1000]
				}
				begin := time.Now()
				grow()
				times = append(times, float64(time.Since(begin))/1e6)
			}
			slices.Sort(times)
			b.ReportMetric(times[len(times)/2], "ms/median")
		})
	}
}

// What is remembered changes no proposal: results that come late, other pasts in
// between, and a fresh sampler give the same points.
func TestCMAESRemembersNothingThatMatters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		space := searchtest.DrawSpace(t)
		old := &CMAES{}
		var past []search.Record
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0: // a late result, or another one
				if len(past) > 0 {
					r := &past[rapid.IntRange(0, len(past)-1).Draw(t, "late")]
					r.State = rapid.SampledFrom([]search.State{search.Completed, search.Failed, search.Running, search.Paused}).Draw(t, "state")
					r.Measurements = []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": rapid.Float64Range(-1, 1).Draw(t, "loss")}}}
				}
				continue
			case 1: // back to an earlier past
				past = slices.Clone(past[:rapid.IntRange(0, len(past)).Draw(t, "shorter")])
				continue
			}
			req := search.Request{Space: space, Objectives: []search.Objective{{Metric: "loss"}}, Past: past, First: len(past), N: 1, Seed: 3}
			got, err := old.Propose(context.Background(), req)
			want, err2 := (&CMAES{}).Propose(context.Background(), req)
			if !reflect.DeepEqual(got, want) || (err == nil) != (err2 == nil) {
				t.Fatalf("after %d trials: %v, and from scratch %v", len(past), got, want)
			}
			if err != nil {
				return
			}
			past = append(past, search.Record{Trial: search.Trial{ID: len(past), Params: got[0]}, State: search.Completed,
				Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": rapid.Float64Range(-1, 1).Draw(t, "loss")}}}})
		}
	})
}

// CMA-ES finds the optimum where coordinates are turned against the valley, and
// numbers of few values do not get stuck.
func TestCMAESConverges(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	t.Parallel()
	for _, c := range []struct {
		p      searchtest.Problem
		trials int
		bar    float64 // of the regret
	}{
		{searchtest.Sphere(5), 400, 1e-5},
		{searchtest.Ellipsoid(5), 1000, 1e-6},
		{searchtest.Rosenbrock(5), 1200, 1e-6},
		{integers(), 600, 1e-3},
	} {
		r := simulated(t, c.p.Space, &CMAES{}, c.trials, 1, func(at search.Params) ([]float64, float64, search.State) {
			return []float64{c.p.F(at)}, 1, search.Paused
		})
		if got := c.p.Regret(r.Best().Value); got > c.bar {
			t.Errorf("%s: regret %g after %d trials, want %g", c.p.Name, got, c.trials, c.bar)
		}
	}
}

// integers is a sphere over numbers of many and of few values.
func integers() searchtest.Problem {
	var space search.Space
	for i := range 8 {
		space = append(space, search.Int(string(rune('a'+i)), 0, []int{100, 1, 9}[i%3]))
	}
	return searchtest.Problem{Name: "integers", Space: space, Typical: 1, F: func(p search.Params) float64 {
		sum := 0.
		for i, q := range space {
			d := q.Dim()
			v, _ := search.Number(p[d.Name])
			x := (v - math.Floor(d.Hi*float64(i+1)/9)) / d.Hi
			sum += x * x
		}
		return sum
	}}
}
