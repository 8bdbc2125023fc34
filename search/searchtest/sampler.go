package searchtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"

	"budwood/search"
)

// Sampler checks what every sampler promises, over spaces of every kind and the
// given ones: the same request gives the same params, on any goroutine and with
// a past that went through JSON; the request stays as it was; every proposal is
// a point of the space that satisfies its constraints and, where points can be
// told apart, none that was proposed before; finite spaces end with
// [search.ErrExhausted]; and nothing in the past, however odd, makes it fail, not
// even a space that has changed since. With go test -short pasts are shorter, and the
// largest space is left out.
func Sampler(t *testing.T, s search.Sampler, spaces ...search.Space) {
	t.Helper()
	sizes := []int{0, 1, 7, 40}
	if testing.Short() {
		sizes = []int{0, 1, 12}
	}
	for name, space := range named(spaces) {
		t.Run(name, func(t *testing.T) {
			for _, n := range sizes {
				past, done := history(t, s, space, n)
				checkProposal(t, s, request(space, past, 1))
				checkProposal(t, s, request(space, past, 5))
				if done {
					break
				}
			}
		})
	}
	for name, space := range finite() {
		t.Run("exhausts "+name, func(t *testing.T) { checkExhausts(t, s, space) })
	}
	for name, c := range constrained() {
		t.Run("constraints "+name, func(t *testing.T) { checkConstraints(t, s, c) })
	}
	for name, c := range changed() {
		t.Run("changed space "+name, func(t *testing.T) { checkChange(t, s, c) })
	}
	t.Run("odd pasts", func(t *testing.T) { checkOddPasts(t, s) })
	if !testing.Short() {
		t.Run("200-D", func(t *testing.T) { checkMany(t, s) })
	}
}

// Pareto is [Sampler] with two objectives.
func Pareto(t *testing.T, s search.Sampler, spaces ...search.Space) {
	t.Helper()
	Sampler(t, ofTwo{s}, spaces...)
}

// ofTwo asks for a second objective too, which every record of the suite has.
type ofTwo struct{ search.Sampler }

func (s ofTwo) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	req.Objectives = append(req.Objectives[:1:1], search.Objective{Metric: "size"})
	return s.Sampler.Propose(ctx, req)
}

// Independent checks, beyond [Sampler], that the sampler does not learn: trials
// proposed together, one by one, or with other values in the past are the same.
func Independent(t *testing.T, s search.Sampler, spaces ...search.Space) {
	t.Helper()
	Sampler(t, s, spaces...)
	for name, space := range named(spaces) {
		t.Run("one by one "+name, func(t *testing.T) {
			together := mustPropose(t, s, request(space, nil, 12))
			past, _ := history(t, s, space, 12)
			for i, p := range together {
				if p.Key() != past[i].Params.Key() {
					t.Fatalf("trial %d: together %v, alone %v", i, p, past[i].Params)
				}
			}
		})
	}
}

// named are the spaces that every sampler must be able to deal with.
func named(more []search.Space) map[string]search.Space {
	ten, _ := box("x", 10, -5, 5)
	fifty, _ := box("x", 50, -1, 1)
	out := map[string]search.Space{
		"empty":     {},
		"one point": {search.Float("x", 2, 2), search.Choice("c", "only")},
		"1-D":       {search.Float("x", -3, 7)},
		"10-D":      ten,
		"50-D":      fifty,
		"scales":    {search.LogFloat("tiny", 1e-300, 1e-200), search.Float("huge", -1e300, 1e300)},
		"branches":  MixCond().Space,
		"mixed": {search.LogFloat("lr", 1e-5, 1), search.Int("n", 1, 9), search.Int("w", 16, 4096, search.Log),
			search.Float("d", 0, .5, search.Step(.1)), search.Choice("act", "relu", "tanh", "gelu"), search.Ordinal("k", 1, 3, 5)},
	}
	for i, s := range more {
		out[fmt.Sprintf("given %d", i)] = s
	}
	return out
}

func finite() map[string]search.Space {
	return map[string]search.Space{
		"int":      {search.Int("x", 1, 6)},
		"mixed":    {search.Choice("c", "a", "b"), search.Int("x", 1, 100, search.Log, search.Step(33)), search.Float("y", 0, 1, search.Step(.25))},
		"branches": {search.Choice("c", "a", "b", "d").When("b", search.Int("x", 1, 3)).When("d", search.Choice("e", 1, 2).When(2, search.Int("x", 1, 3)))},
	}
}

// loss is the objective of the suite; ofTwo adds another one.
var loss = []search.Objective{{Metric: "loss"}}

func request(space search.Space, past []search.Record, n int) search.Request {
	return search.Request{Space: space, Objectives: loss, Past: past, First: len(past), N: n, Seed: 7}
}

// history is a study of n trials proposed by s, in which some trials failed,
// some are paused at a small budget, and the last ones still run; done tells
// that the space was exhausted.
func history(t *testing.T, s search.Sampler, space search.Space, n int) (past []search.Record, done bool) {
	t.Helper()
	for id := range n {
		got, err := s.Propose(context.Background(), request(space, past, 1))
		if errors.Is(err, search.ErrExhausted) {
			return past, true
		}
		if err != nil || len(got) != 1 {
			t.Fatalf("trial %d: proposed %v, %v", id, got, err)
		}
		past = append(past, fate(id, n, got[0]))
	}
	return past, false
}

// fate is the record of a trial, of every kind by its number.
func fate(id, n int, p search.Params) search.Record {
	r := search.Record{Trial: search.Trial{ID: id, Params: p}, State: search.Completed}
	h := splitMix(id)
	measure := func(budget int, v float64) {
		r.Measurements = append(r.Measurements, search.Measurement{Budget: budget, Metrics: search.Metrics{"loss": v, "size": 1 - v*v}})
	}
	switch {
	case id >= n-2:
		r.State = search.Running
	case id%7 == 3:
		r.State = search.Failed
	case id%7 == 5:
		r.State = search.Diverged
		measure(1, math.NaN())
	case id%11 == 6:
		r.State = search.Infeasible
	default:
		measure(1, h.uni())
		if r.State = search.Paused; id%3 > 0 {
			r.State = search.Completed
			measure(3, h.uni())
		}
	}
	return r
}

func mustPropose(t *testing.T, s search.Sampler, req search.Request) []search.Params {
	t.Helper()
	got, err := s.Propose(context.Background(), req)
	if err != nil && !errors.Is(err, search.ErrExhausted) {
		t.Fatalf("propose %d after %d: %v", req.N, len(req.Past), err)
	}
	return got
}

func checkProposal(t *testing.T, s search.Sampler, req search.Request) {
	t.Helper()
	before := clone(req)
	want := mustPropose(t, s, req)
	if !reflect.DeepEqual(before.Past, req.Past) {
		t.Fatal("the request was changed")
	}
	if len(want) > req.N {
		t.Fatalf("%d params for %d trials", len(want), req.N)
	}
	if size := req.Space.Size(); size == 0 && len(want) < req.N {
		t.Fatalf("%d params for %d trials of an endless space", len(want), req.N)
	}
	seen := map[string]bool{}
	for _, r := range req.Past {
		seen[r.Params.Key()] = true
	}
	for _, p := range want {
		if q, err := req.Space.Check(p); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("%v is not a point of the space: %v, %v", p, q, err)
		}
		if seen[p.Key()] {
			t.Fatalf("%v was proposed before", p)
		}
		seen[p.Key()] = true
	}
	through, _ := json.Marshal(req.Past)
	again := before
	again.Past = nil
	if err := json.Unmarshal(through, &again.Past); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, r := range []search.Request{req, before, again} {
		wg.Go(func() {
			if got, _ := s.Propose(context.Background(), r); !reflect.DeepEqual(got, want) {
				t.Errorf("request %d of the same content: %v, not %v", i, got, want)
			}
		})
	}
	wg.Wait()
}

// clone copies the past of a request deeply; the maps are built anew.
func clone(req search.Request) search.Request {
	past := slices.Clone(req.Past)
	for i, r := range past {
		r.Params = maps.Clone(r.Params)
		r.Measurements = slices.Clone(r.Measurements)
		for j, m := range r.Measurements {
			if math.IsNaN(m.Metrics["loss"]) { // NaN is not equal to itself
				r.Measurements[j].Metrics = m.Metrics
				continue
			}
			r.Measurements[j].Metrics = maps.Clone(m.Metrics)
		}
		past[i] = r
	}
	req.Past = past
	return req
}

// checkExhausts runs a finite space to its end.
func checkExhausts(t *testing.T, s search.Sampler, space search.Space) {
	t.Helper()
	size := space.Size()
	seen := map[string]bool{}
	var past []search.Record
	for len(past) < size {
		got := mustPropose(t, s, request(space, past, 3))
		if len(got) == 0 {
			t.Fatalf("nothing proposed after %d of %d points", len(past), size)
		}
		if want := min(3, size-len(past)); len(got) != want {
			t.Fatalf("%d of 3 params proposed after %d of %d points", len(got), len(past), size)
		}
		for _, p := range got {
			if seen[p.Key()] {
				t.Fatalf("%v twice in %d points", p, size)
			}
			seen[p.Key()] = true
			past = append(past, fate(len(past), size, p))
		}
	}
	got, err := s.Propose(context.Background(), request(space, past, 1))
	if len(got) != 0 || !errors.Is(err, search.ErrExhausted) {
		t.Fatalf("after all %d points: %v, %v; want ErrExhausted", size, got, err)
	}
}

// checkOddPasts tries pasts that no study should have.
func checkOddPasts(t *testing.T, s search.Sampler) {
	t.Helper()
	space := search.Space{search.LogFloat("lr", 1e-5, 1), search.Choice("act", "relu", "tanh").When("tanh", search.Int("n", 1, 50))}
	r := search.Rand(3, 0)
	record := func(id int, v float64) search.Record {
		return search.Record{Trial: search.Trial{ID: id, Params: space.Sample(r)}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": v, "size": -v}}}}
	}
	for name, make := range map[string]func(id int) search.Record{
		"constant":   func(id int) search.Record { return record(id, 1) },
		"huge":       func(id int) search.Record { return record(id, 1e308*float64(id%3-1)) },
		"tiny":       func(id int) search.Record { return record(id, 1e-308*float64(id%3)) },
		"infinite":   func(id int) search.Record { return record(id, math.Inf(id%2*2-1)) },
		"NaN":        func(id int) search.Record { return record(id, math.NaN()) },
		"one good":   func(id int) search.Record { return record(id, []float64{1, math.NaN()}[min(id, 1)]) },
		"all run":    func(id int) search.Record { return search.Record{Trial: record(id, 0).Trial, State: search.Running} },
		"all failed": func(id int) search.Record { return search.Record{Trial: record(id, 0).Trial, State: search.Failed} },
		"same point": func(id int) search.Record {
			rec := record(id, float64(id))
			rec.Params = search.Params{"lr": .1, "act": "relu"}
			return rec
		},
		"no params": func(id int) search.Record { return search.Record{Trial: search.Trial{ID: id}} },
		"other space": func(id int) search.Record {
			rec := record(id, float64(id))
			rec.Params = search.Params{"lr": 9., "act": []any{1.}, "n": "many", "architecture": map[string]any{"depth": 2.}}
			return rec
		},
		"other metric": func(id int) search.Record {
			rec := record(id, float64(id))
			rec.Measurements[0].Metrics = search.Metrics{"accuracy": 1}
			return rec
		},
		"other order": func(id int) search.Record { return record(49-id, float64(id)) },
	} {
		t.Run(name, func(t *testing.T) {
			var past []search.Record
			for id := range 50 {
				past = append(past, make(id))
			}
			for _, p := range mustPropose(t, s, request(space, past, 4)) {
				if _, err := space.Check(p); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
