package study

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/trials/segment"
)

// However the trials of a study end, the weights of those on its front are there.
func TestTheBoardKeepsTheFront(t *testing.T) {
	objectives := []search.Objective{{Metric: "a"}, {Metric: "b", Goal: search.Maximize}}
	rapid.Check(t, func(t *rapid.T) {
		var b Leaderboard
		all := make([]search.Record, rapid.IntRange(1, 25).Draw(t, "trials"))
		gone := map[int]bool{}
		for i := range all {
			all[i].ID = i
		}
		for range rapid.IntRange(1, 80).Draw(t, "reports") {
			rec := &all[rapid.IntRange(0, len(all)-1).Draw(t, "trial")]
			if rec.State.Ended() {
				continue
			}
			m, _ := rec.Last()
			if rec.State == search.Paused && rapid.IntRange(0, 3).Draw(t, "end") == 0 {
				rec.State = search.Stopped
				b.end([]search.Ending{{Trial: rec.ID, State: search.Stopped}})
				gone[rec.ID] = !b.Has(rec.ID)
				continue
			}
			m = search.Measurement{Budget: m.Budget*2 + 1, Metrics: search.Metrics{
				"a": float64(rapid.IntRange(0, 5).Draw(t, "a")), "b": float64(rapid.IntRange(0, 5).Draw(t, "b"))}}
			rec.State = rapid.SampledFrom([]search.State{search.Paused, search.Paused, search.Completed, search.Stopped, search.Diverged}).Draw(t, "state")
			rec.Measurements = []search.Measurement{m}
			r := &segment.Result{State: rec.State, Budget: m.Budget, Final: m, Checkpoint: rec.Name()}
			if rec.State == search.Diverged {
				r.Checkpoint = ""
			}
			for _, id := range append(b.addToFront(objectives, rec.Trial, r, false), b.add(objectives[0], rec.Trial, r)...) {
				gone[id] = gone[id] || !b.Has(id)
			}
			if rec.State.Ended() && !b.Has(rec.ID) {
				gone[rec.ID] = true
			}
		}
		keeps := b.keeps(1)
		for _, p := range search.ParetoFront(all, objectives).Trials {
			if name := search.TrialName(p.Trial); gone[p.Trial] || !slices.Contains(keeps, name) {
				t.Fatalf("%s is on the front, and its weights are gone: %v are kept, %v were dropped", name, keeps, gone)
			}
		}
	})
}

// A front of thousands is kept as far as there is room, the best of the main objective first.
func TestTheBoardIsBounded(t *testing.T) {
	var b Leaderboard
	objectives := []search.Objective{{Metric: "a"}, {Metric: "b"}}
	for i, k := range rand.New(rand.NewPCG(1, 1)).Perm(2 * mostKept) {
		m := search.Measurement{Budget: 1, Metrics: search.Metrics{"a": float64(k), "b": -float64(k)}}
		b.addToFront(objectives, search.Trial{ID: i}, &segment.Result{State: search.Completed, Budget: 1, Final: m, Checkpoint: "x"}, false)
	}
	if n := len(b.Front); n != mostKept || b.Front[n-1].Losses[0] != mostKept-1 {
		t.Errorf("%d rows, the last %+v", n, b.Front[n-1])
	}
}
