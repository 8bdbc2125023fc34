package nas

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"budwood/data"
	"budwood/search"
)

// Whatever becomes of the past between two requests, a space that remembers it
// proposes what a new one does.
func TestMemoChangesNoProposal(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	spec := Spec{Family: "mlp", Depth: []int{1, 4}}
	hyper := search.Space{search.LogFloat("lr", 1e-3, 1), search.Choice("opt", "sgd", "adam")}
	goals := []search.Objective{{Metric: "a", Goal: search.Maximize}, {Metric: "b"}, {Metric: "c"}}
	states := []search.State{search.Completed, search.Completed, search.Completed, search.Running, search.Paused, search.Stopped, search.Failed, search.Infeasible}
	for name, of := range map[string]func(*Space) search.Sampler{
		"random":       func(s *Space) search.Sampler { return Random{s} },
		"evolution":    func(s *Space) search.Sampler { return Evolution{Space: s, Population: 10} },
		"local search": func(s *Space) search.Sampler { return LocalSearch{Space: s} },
		"predictor":    func(s *Space) search.Sampler { return Predictor{Space: s, Pool: 10} },
		"NSGA-II":      func(s *Space) search.Sampler { return NSGA2{Space: s} },
		"NSGA-III":     func(s *Space) search.Sampler { return NSGA3{Space: s} },
	} {
		t.Run(name, func(t *testing.T) {
			rng := search.Rand(1, 0)
			old := bind(t, spec, data.Shape{6})
			fresh := func(id int, p search.Params) search.Record {
				r := search.Record{Trial: search.Trial{ID: id, Params: p}, State: states[rng.IntN(len(states))]}
				for b := range rng.IntN(3) {
					m := search.Metrics{}
					for _, g := range goals {
						m[g.Metric] = float64(rng.IntN(20))
					}
					r.Measurements = append(r.Measurements, search.Measurement{Budget: b + 1, Metrics: m})
				}
				return r
			}
			random := func() search.Params {
				c := sampled(rng, old, hyper)
				c.genome.Into(c.point)
				return c.point
			}
			req := search.Request{Space: hyper, Objectives: goals, N: 3}
			for range memoFresh + 50 {
				req.Past = append(req.Past, fresh(len(req.Past), random()))
			}
			for round := range 40 {
				req.Past = slices.Clone(req.Past)
				what := "more"
				switch n := len(req.Past); rng.IntN(5) {
				case 0:
					what = "trials go on"
					for range 1 + rng.IntN(3) {
						i := rng.IntN(n)
						req.Past[i] = fresh(i, req.Past[i].Params)
					}
				case 1:
					what = "a young trial is measured again in its place"
					if r := &req.Past[n-1-rng.IntN(20)]; len(r.Measurements) > 0 {
						r.Measurements[len(r.Measurements)-1].Metrics = search.Metrics{"a": 3, "b": 1, "c": 2}
					}
				case 2:
					what = "another study"
					req.Past = req.Past[:n-rng.IntN(2)*rng.IntN(20)]
					for i := range req.Past {
						req.Past[i] = fresh(i, random())
					}
				default:
					for range rng.IntN(20) {
						req.Past = append(req.Past, fresh(len(req.Past), random()))
					}
				}
				if round == 30 {
					req.Objectives, req.Space = goals[:2], hyper[:1]
				}
				req.First, req.Seed = len(req.Past), uint64(round/10)
				got, err := of(old).Propose(context.Background(), req)
				if err != nil {
					t.Fatal(err)
				}
				want, err := of(bind(t, spec, data.Shape{6})).Propose(context.Background(), copied(req))
				if err != nil {
					t.Fatal(err)
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("round %d, %s, %d trials:\n got %v\nwant %v", round, what, len(req.Past), got, want)
				}
			}
		})
	}
}

// copied is a request whose params are at other places.
func copied(req search.Request) search.Request {
	req.Past = slices.Clone(req.Past)
	for i := range req.Past {
		req.Past[i].Params = maps.Clone(req.Past[i].Params)
	}
	return req
}

// The elite of what is kept and what is new is that of all.
func TestEliteMemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	rng := search.Rand(3, 0)
	for run := range 6 {
		objectives, change := 1+run/2, run%2 == 0
		var all []*individual
		var m eliteMemo
		var last []ranked
		for range 600 {
			for range rng.IntN(4) {
				i := &individual{at: len(all)}
				for range objectives { // some are better than all before
					i.losses = append(i.losses, float64(rng.IntN(30)-rng.IntN(2)*len(all)/4))
				}
				all = append(all, i)
			}
			if change && len(all) > 0 && rng.IntN(4) == 0 { // losses change, half the time of one of the best
				at := rng.IntN(len(all))
				if len(last) > 0 && rng.IntN(2) == 0 {
					at = last[rng.IntN(len(last))].at
				}
				all[at] = &individual{at: at, losses: slices.Repeat([]float64{float64(rng.IntN(30) - len(all)/8)}, objectives)}
			}
			got, want := m.of(all, 10), elite(youngestFirst(all), 10)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%d objectives, %d individuals: another elite", objectives, len(all))
			}
			last = got
		}
	}
}

// One that dominates most of the first front, and with it moves those behind the
// others up to them, is not all that the elite needs to know.
func TestEliteMemoRunsOut(t *testing.T) {
	var all []*individual
	add := func(losses ...float64) { all = append(all, &individual{at: len(all), losses: losses}) }
	for i := range 20 {
		add(float64(i), float64(20-i))
	}
	add(19.5, 1.5) // behind the last one alone
	var m eliteMemo
	m.of(all, 10)
	add(0, 5)
	if got, want := m.of(all, 10), elite(youngestFirst(all), 10); !reflect.DeepEqual(got, want) {
		t.Errorf("another elite")
	}
}
