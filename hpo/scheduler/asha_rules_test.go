package scheduler

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"budwood/search"
)

func value(trial, budget int, v float64) search.Reported {
	return search.Reported{Trial: trial, Budget: budget, Values: []float64{v}}
}

// reasons are those of stops, by trial.
func reasons(actions []search.Action) map[int]string {
	out := map[int]string{}
	for _, a := range actions {
		if s, ok := a.(search.Stop); ok {
			out[s.Trial] = s.Reason
		}
	}
	return out
}

// A third of a rung goes on, no more, and who has gone on is not asked again; those
// that diverged are peers, and what is not finite ends a trial.
func TestASHAPromotesAThird(t *testing.T) {
	a := &ASHA{Max: 9}
	a.Step(search.Free{Slots: 9, New: 9})
	for trial := range 5 {
		a.Step(value(trial, 1, float64(trial)))
	}
	if got := a.Step(search.Free{Slots: 9}); len(got) != 1 {
		t.Fatalf("%v of five", got)
	}
	if got := a.Step(search.Reported{Trial: 5, Budget: 1}); !reflect.DeepEqual(got, []search.Action{search.Stop{Trial: 5, Reason: "rung 1: the value is not finite"}}) {
		t.Errorf("%v", got)
	}
	if got := a.Step(search.Free{Slots: 9}); len(got) != 1 || got[0].(search.Resume).Trial != 1 {
		t.Fatalf("%v of six", got)
	}
	if got := a.Step(search.Free{Slots: 9}); got != nil {
		t.Fatalf("%v once more", got)
	}
	// Slots that nobody is promoted into are for new trials, as many as there are.
	a.Step(value(6, 1, 9))
	a.Step(value(7, 1, .5))
	a.Step(value(8, 1, 8))
	got := a.Step(search.Free{Slots: 3, New: 1})
	if len(got) != 2 || got[0].(search.Resume).Trial != 7 || got[1] != (search.Start{Trial: 9, Budget: 1}) {
		t.Errorf("%v", got)
	}
	if got := a.Step(value(0, 9, .1)); !reflect.DeepEqual(got, []search.Action{search.Stop{Trial: 0, Completed: true, Reason: "trained to the full budget of 9"}}) {
		t.Errorf("%v", got)
	}
	if p := a.Rungs[2].Peers[0]; !p.Done || p.Waiting {
		t.Errorf("%+v", p)
	}
	if p := a.Rungs[0].Peers[len(a.Rungs[0].Peers)-1]; p.Done || !p.Waiting {
		t.Errorf("%+v", p)
	}
	want := map[int]string{2: "rung 1: 2 is 4th of 9, ", 3: "rung 1: 3 > cut 1 of 9 peers", 4: "rung 1: 4 > cut 1 of 9 peers", 6: "rung 1: 9 > cut 1 of 9 peers", 8: "rung 1: 8 > cut 1 of 9 peers"}
	for trial, why := range reasons(a.Step(search.Closed{})) {
		if want[trial] == "" || !strings.HasPrefix(why, strings.TrimSuffix(want[trial], "rung 1: 2 is 4th of 9, ")) {
			t.Errorf("t%d: %s", trial, why)
		}
	}
}

// Whoever waits when the study ends hears whether it was beaten, whether there were
// too few, or only that the study ended.
func TestASHASaysWhyItEnds(t *testing.T) {
	a := &ASHA{Max: 9, Goal: search.Maximize}
	a.Step(search.Free{Slots: 9, New: 9})
	a.Step(value(0, 1, .5))
	a.Step(value(1, 1, .6))
	if got := reasons(a.Step(search.Closed{})); got[0] != "rung 1: 0.5 is 2nd of 2, too few to promote one in 3" || got[1] != "rung 1: 0.6 is 1st of 2, too few to promote one in 3" {
		t.Errorf("%v", got)
	}
	a.Step(value(2, 1, .4))
	if got := reasons(a.Step(search.Closed{})); got[0] != "rung 1: 0.5 < cut 0.6 of 3 peers" || got[1] != "rung 1: 0.6 is 1st of 3, but the study ended" {
		t.Errorf("%v", got)
	}
	// All but one diverged: the cut is the last that there is.
	a = &ASHA{Max: 9, Eta: 2}
	a.Step(search.Free{Slots: 4, New: 4})
	for trial := range 3 {
		a.Step(search.Ended{Trial: trial, Budget: 1, State: search.Diverged})
	}
	a.Step(value(3, 1, .5))
	if got := reasons(a.Step(search.Closed{})); got[3] != "rung 1: 0.5 is 1st of 4, but the study ended" {
		t.Errorf("%v", got)
	}
	if got := a.Step(search.Free{Slots: 9}); len(got) != 1 {
		t.Errorf("%v: two of four may go on, and one is left", got)
	}
	// The stopping variant keeps nobody waiting that was beaten.
	a = &ASHA{Max: 9, Stopping: true}
	a.Step(search.Free{Slots: 4, New: 4})
	a.Step(value(0, 1, .5))
	if got := reasons(a.Step(search.Closed{})); got[0] != "rung 1: 0.5 is 1st of 1, but the study ended" {
		t.Errorf("%v", got)
	}
}

// In the stopping variant a trial that ended by itself rises as far as its value
// would have brought it.
func TestASHAStoppingWithEarlyEnds(t *testing.T) {
	a := &ASHA{Max: 9, Stopping: true}
	a.Step(search.Free{Slots: 9, New: 9})
	a.Step(search.Ended{Trial: 0, Budget: 1, State: search.Completed, Values: []float64{.5}})
	for k, r := range a.Rungs { // the first of each rung passes
		if !r.has(0) || r.Peers[0].Risen != (k < 2) || !r.Peers[0].Done || r.Peers[0].Waiting {
			t.Errorf("rung %d: %+v", k, r)
		}
	}
	a.Step(value(1, 1, .6))
	a.Step(search.Ended{Trial: 2, Budget: 1, State: search.Stopped, Values: []float64{.7}}) // the third: one of three passes
	if a.Rungs[1].has(2) || a.Rungs[0].Peers[2].Done || a.Rungs[0].Peers[2].Risen {
		t.Errorf("%+v", a.Rungs)
	}
	a.Step(search.Ended{Trial: 3, Budget: 1, State: search.Failed})
	a.Step(search.Ended{Trial: 4, Budget: 1, State: search.Diverged})
	if a.Rungs[0].size() != 4 || a.Rungs[0].Diverged != 1 {
		t.Errorf("%+v", a.Rungs[0])
	}
	if got := a.Step(search.Free{Slots: 1}); !reflect.DeepEqual(got, []search.Action{search.Resume{Trial: 1, Budget: 3, Reason: "rung 1: 0.6 is 2nd of 4"}}) {
		t.Errorf("%v", got)
	}
}

// Hyperband deals trials to its brackets, asks the brackets in order for promotions,
// and hears of a trial in the bracket where it is.
func TestHyperbandBrackets(t *testing.T) {
	h := &Hyperband{Max: 9, Goal: search.Maximize, Also: []search.Goal{search.Minimize}, Stopping: true}
	var starts []search.Start
	for _, a := range h.Step(search.Free{Slots: 12, New: 30}) {
		starts = append(starts, a.(search.Start))
	}
	first := map[int]int{0: 1, 1: 3, 2: 9} // budget of a bracket's first rung
	count := map[int]int{}
	for i, s := range starts {
		if s.Trial != i || s.Budget != first[s.Bracket] {
			t.Errorf("%+v", s)
		}
		count[s.Bracket]++
	}
	if len(starts) != 12 || count[0] < count[1] || count[1] < count[2] || count[2] == 0 || h.Next != 12 {
		t.Errorf("%d trials, by bracket %v", len(starts), count)
	}
	for i, a := range h.Tournament {
		if a.Goal != search.Maximize || len(a.Also) != 1 || !a.Stopping || len(a.Rungs) != 3-i {
			t.Errorf("bracket %d: %+v", i, a)
		}
	}
	if got := h.Step(search.Free{Slots: 2, New: 1}); len(got) != 1 {
		t.Errorf("%v, want one new trial", got)
	}
	h = &Hyperband{Max: 9}
	h.Step(search.Free{Slots: 30, New: 30})
	by := map[int][]int{}
	for trial := range 30 {
		b := deal(h.Brackets(), trial)
		by[b] = append(by[b], trial)
	}
	for _, b := range []int{0, 1} {
		for i, trial := range by[b][:3] {
			h.Step(value(trial, first[b], float64(i)))
		}
	}
	if got := h.Step(search.Free{Slots: 1, New: 5}); len(got) != 1 || got[0].(search.Resume).Trial != by[0][0] || got[0].(search.Resume).Budget != 3 {
		t.Errorf("%v, want the first bracket's best", got)
	}
	if got := h.Step(search.Free{Slots: 3, New: 1}); len(got) != 2 || got[0].(search.Resume).Trial != by[1][0] || got[0].(search.Resume).Budget != 9 || got[1].(search.Start).Trial != 30 {
		t.Errorf("%v, want the second bracket's best and a new trial", got)
	}
	if got := h.Step(search.Ended{Trial: by[1][3], Budget: 3, State: search.Diverged}); got != nil || h.Tournament[1].Rungs[0].Diverged != 1 {
		t.Errorf("%v: %+v", got, h.Tournament[1].Rungs[0])
	}
	h.Step(search.Aside{Trials: []int{by[0][1]}})
	if h.Tournament[0].Rungs[0].has(by[0][1]) || !h.Tournament[0].Rungs[0].has(by[0][2]) {
		t.Errorf("%+v", h.Tournament[0].Rungs[0])
	}
	if got := reasons(h.Step(search.Closed{})); len(got) != 3 || got[by[0][2]] == "" || got[by[1][1]] == "" || got[by[1][2]] == "" {
		t.Errorf("%v", got)
	}
	// The best of all brackets is trained to the end.
	if got := h.Step(search.Settle{}); len(got) != 1 || got[0].(search.Resume).Trial != min(by[1][1], by[0][2]) && got[0].(search.Resume).Trial != by[1][1] {
		t.Errorf("%v", got)
	}
}

func TestBracketsOfEachScheduler(t *testing.T) {
	var firsts []int
	for _, b := range (Hyperband{Max: 8, Eta: 2}).Brackets() {
		firsts = append(firsts, b.Rungs[0])
	}
	if !slices.Equal(firsts, []int{1, 2, 4, 8}) {
		t.Errorf("brackets that begin at %v", firsts)
	}
	for _, c := range []struct {
		got  []Bracket
		want []int
	}{
		{ASHA{Max: 27}.Brackets(), []int{1, 3, 9, 27}},
		{ASHA{Max: 8, Eta: 2}.Brackets(), []int{1, 2, 4, 8}},
		{ASHA{Max: 8, Eta: 1}.Brackets(), []int{3, 8}},
		{SuccessiveHalving{Min: 3, Max: 27}.Brackets(), []int{3, 9, 27}},
		{MedianStopping{Max: 8}.Brackets(), []int{1, 2, 4, 8}},
		{MedianStopping{Max: 9, Eta: 3}.Brackets(), []int{1, 3, 9}},
		{Extrapolation{Max: 9}.Brackets(), []int{1, 2, 3, 4, 6, 9}},
		{Plateau{Max: 27}.Brackets(), []int{3, 6, 9, 12, 15, 18, 21, 24, 27}},
		{Plateau{Max: 28}.Brackets(), []int{4, 8, 12, 16, 20, 24, 28}},
		{Plateau{Max: 9}.Brackets(), []int{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{Plateau{Max: 10, Every: 3}.Brackets(), []int{3, 6, 9, 10}},
		{Plateau{Min: 5, Max: 10, Every: 3}.Brackets(), []int{5, 8, 10}},
		{Plateau{Min: 1, Max: 10, Every: 3}.Brackets(), []int{1, 4, 7, 10}},
		{Plateau{Max: 2, Every: 5}.Brackets(), []int{2}},
		{Plateau{}.Brackets(), []int{1}},
		{Plateau{Min: 4}.Brackets(), []int{4}},
		{NoStopping{Max: 7}.Brackets(), []int{7}},
		{NoStopping{}.Brackets(), []int{1}},
	} {
		if len(c.got) != 1 || !slices.Equal(c.got[0].Rungs, c.want) || c.got[0].Share != 1 {
			t.Errorf("%+v, want %v", c.got, c.want)
		}
	}
}
