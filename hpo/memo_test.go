package hpo

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"budwood/search"
)

// Whatever becomes of the past between two requests, a memo tells of it what a
// new one would.
func TestMemoTellsWhatANewOneWould(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	space := search.Space{search.Int("a", 0, 200), search.Choice("b", "x", "y")}
	states := []search.State{search.Completed, search.Completed, search.Completed, search.Running, search.Paused, search.Stopped, search.Failed, search.Infeasible}
	rng := rand.New(rand.NewPCG(1, 2))
	fresh := func(id int) search.Record {
		r := search.Record{Trial: search.Trial{ID: id, Params: space.Sample(rng)}, State: states[rng.IntN(len(states))]}
		if r.State != search.Running {
			for b := range 1 + rng.IntN(2) {
				r.Measurements = append(r.Measurements, search.Measurement{Budget: b + 1, Metrics: search.Metrics{"loss": float64(rng.IntN(1000))}})
			}
		}
		return r
	}
	var m memo
	req := search.Request{Space: space, Objectives: []search.Objective{{Metric: "loss"}}}
	for range sortMost + 100 { // more than are sorted as a whole
		req.Past = append(req.Past, fresh(len(req.Past)))
	}
	for round := range 60 {
		req.Past = slices.Clone(req.Past)
		switch n := len(req.Past); rng.IntN(4) {
		case 0: // a trial goes on
			i := rng.IntN(n)
			r := fresh(req.Past[i].ID)
			r.Params = req.Past[i].Params
			req.Past[i] = r
		case 1: // another study
			req.Past = req.Past[:n-rng.IntN(20)]
			i := rng.IntN(len(req.Past))
			req.Past[i] = fresh(i)
		default:
			for range rng.IntN(20) {
				req.Past = append(req.Past, fresh(len(req.Past)))
			}
		}
		before, ranking := m.version, slices.Clone(m.ranking.out)
		got, want := m.read(req), read(req)
		if again := m.read(req); again.version != got.version || got.version == before && !slices.Equal(ranking, got.ranked) {
			t.Fatalf("round %d: version %d, %d and %d", round, before, got.version, again.version)
		}
		want.version = got.version
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d: the memo tells something else of %d records", round, len(req.Past))
		}
		for range 5 {
			p := space.Sample(rng)
			if got, want := m.repeats(nil, p), repeats(req, nil, p); got != want {
				t.Fatalf("round %d: %v repeats: %v, want %v", round, p, got, want)
			}
		}
	}
}

// The best of many results are those of a sort, and none is lost.
func TestRank(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, values := range []int{1, 50, 1 << 30} { // equal losses, many and few
		var all []ranked
		for i := range sortMost + 500 {
			all = append(all, ranked{i, float64(rng.IntN(values))})
		}
		got, want := rank(slices.Clone(all)), slices.Clone(all)
		slices.SortFunc(want, ranked.compare)
		if !slices.Equal(got[:sortedBest], want[:sortedBest]) {
			t.Errorf("the best of %d different losses are not in order", values)
		}
		if !slices.IsSortedFunc(got[sortedBest:], func(a, b ranked) int { return a.record - b.record }) {
			t.Error("the others are not in the order of their records")
		}
		slices.SortFunc(got, ranked.compare)
		if !slices.Equal(got, want) {
			t.Error("results were lost")
		}
	}
}
