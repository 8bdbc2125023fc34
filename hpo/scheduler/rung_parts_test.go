package scheduler

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"budwood/search"
)

func rungs(budgets ...int) []Rung { return newRungs(budgets) }

// The rung of a budget is the lowest that is not below it; a trial that ended by
// itself counts in the one that it was on its way to.
func TestLevels(t *testing.T) {
	r := rungs(1, 3, 9)
	for budget, want := range map[int]int{0: 0, 1: 0, 2: 1, 3: 1, 4: 2, 9: 2, 10: 2} {
		if got := level(r, budget); got != want {
			t.Errorf("budget %d is in rung %d, want %d", budget, got, want)
		}
	}
	r[0].add(Peer{Trial: 7, Values: []float64{1}}, "")
	r[1].add(Peer{Trial: 7, Values: []float64{1}}, "")
	r[2].add(Peer{Trial: 7, Values: []float64{1}}, "")
	for _, c := range []struct{ trial, budget, want int }{{7, 1, 2}, {7, 3, 2}, {7, 9, 2}, {8, 1, 0}, {8, 2, 1}} {
		if got := levelOfEnd(r, search.Ended{Trial: c.trial, Budget: c.budget}); got != c.want {
			t.Errorf("t%d that ended at %d is in rung %d, want %d", c.trial, c.budget, got, c.want)
		}
	}
	if !r[0].has(7) || r[0].has(8) {
		t.Error("has")
	}
	r[0].Diverged = 2
	if r[0].size() != 3 {
		t.Errorf("%d peers", r[0].size())
	}
}

// Peers are in order, of equals the one that came first; values are copied.
func TestAddKeepsTheOrder(t *testing.T) {
	for goal, want := range map[search.Goal][]int{search.Minimize: {3, 0, 2, 5, 1, 4}, search.Maximize: {4, 1, 0, 2, 5, 3}} {
		r := Rung{}
		for trial, v := range []float64{.5, .7, .5, .1, .9, .5} {
			values := []float64{v}
			at := r.add(Peer{Trial: trial, Values: values}, goal)
			values[0] = -100
			if r.Peers[at].Trial != trial {
				t.Fatalf("t%d is said to be at %d: %+v", trial, at, r.Peers)
			}
		}
		var got []int
		for _, p := range r.Peers {
			got = append(got, p.Trial)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", goal, got, want)
		}
	}
}

// With several goals peers are ordered by front, and one that was not measured in
// an objective is the worst there.
func TestAddByFront(t *testing.T) {
	r := Rung{}
	for trial, v := range [][]float64{{1, 5}, {2, 6}, {3, 1}, {4, math.NaN()}, {5}, {2, 2}, {5, 7}} {
		at := r.add(Peer{Trial: trial, Values: v}, search.Minimize, search.Minimize)
		if r.Peers[at].Trial != trial {
			t.Fatalf("t%d is said to be at %d", trial, at)
		}
	}
	fronts := map[int]int{}
	for i, p := range r.Peers {
		fronts[p.Trial] = p.Front
		if i > 0 && p.Front < r.Peers[i-1].Front {
			t.Errorf("%+v", r.Peers)
		}
	}
	if want := map[int]int{0: 1, 2: 1, 5: 1, 1: 2, 3: 3, 6: 3, 4: 4}; !reflect.DeepEqual(fronts, want) {
		t.Errorf("fronts %v, want %v", fronts, want)
	}
}

// Free slots go to those that wait in the highest rung, then to the best below, then
// to new trials.
func TestGoOnFromTheTop(t *testing.T) {
	r := rungs(1, 3, 9)
	for _, c := range []struct {
		rung, trial int
		value       float64
		waiting     bool
	}{{0, 0, .1, true}, {0, 1, .2, false}, {0, 2, .3, true}, {1, 3, .4, true}, {2, 4, .5, true}} {
		r[c.rung].add(Peer{Trial: c.trial, Values: []float64{c.value}, Waiting: c.waiting}, "")
	}
	next := 5
	got := goOn(r, search.Free{Slots: 2, New: 9}, &next)
	want := []search.Action{search.Resume{Trial: 3, Budget: 9, Reason: "rung 3: 0.4 is 1st of 1"}, search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: 0.1 is 1st of 3"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	got = goOn(r, search.Free{Slots: 4, New: 2}, &next)
	want = []search.Action{search.Resume{Trial: 2, Budget: 3, Reason: "rung 1: 0.3 is 3rd of 3"}, search.Start{Trial: 5, Budget: 1}, search.Start{Trial: 6, Budget: 1}}
	if !reflect.DeepEqual(got, want) || next != 7 || !r[1].Peers[0].Risen || r[1].Peers[0].Waiting {
		t.Errorf("%v, want %v", got, want)
	}
	if got = goOn(r, search.Free{Slots: 1, New: 9}, &next); !reflect.DeepEqual(got, []search.Action{search.Start{Trial: 7, Budget: 1}}) {
		t.Errorf("%v in one slot", got)
	}
}

func TestUsableValues(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want bool
	}{{nil, false}, {[]float64{0}, true}, {[]float64{math.NaN()}, false}, {[]float64{math.Inf(1)}, false}, {[]float64{math.Inf(-1)}, false},
		{[]float64{1, math.NaN()}, true}} {
		if usable(c.v) != c.want {
			t.Errorf("%v", c.v)
		}
	}
	for n, want := range map[int]string{10: "10th", 14: "14th", 22: "22nd", 23: "23rd", 24: "24th", 100: "100th", 101: "101st", 110: "110th", 111: "111th", 113: "113th", 1021: "1021st", 114: "114th", 121: "121st"} {
		if got := ordinal(n); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := tuple([]float64{.12345, 12}); got != "(0.1235, 12)" {
		t.Error(got)
	}
}

// As the study ends, the best that waits goes on, unless one that runs or is trained
// to its end is at least as good; of equals the one that came first is better.
func TestSettleComparesWithRivals(t *testing.T) {
	type peer struct {
		rung, trial   int
		value         float64
		waiting, done bool
	}
	for name, c := range map[string]struct {
		goal    search.Goal
		peers   []peer
		running []int
		want    search.Action // nil: none
	}{
		"nobody":           {},
		"the best waits":   {peers: []peer{{0, 0, .5, true, false}, {1, 1, .4, true, false}, {0, 2, .9, true, false}}, want: search.Resume{Trial: 1, Budget: 9, Reason: "rung 3: 0.4 is the best as the study ends"}},
		"the lower rung":   {peers: []peer{{0, 0, .3, true, false}, {1, 1, .4, true, false}}, want: search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: 0.3 is the best as the study ends"}},
		"maximize":         {goal: search.Maximize, peers: []peer{{0, 0, .3, true, false}, {1, 1, .4, true, false}, {2, 2, .35, false, true}}, want: search.Resume{Trial: 1, Budget: 9, Reason: "rung 3: 0.4 is the best as the study ends"}},
		"one is done":      {peers: []peer{{0, 0, .5, true, false}, {2, 1, .4, false, true}}},
		"a worse is done":  {peers: []peer{{0, 0, .5, true, false}, {2, 1, .6, false, true}}, want: search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: 0.5 is the best as the study ends"}},
		"one of two done":  {peers: []peer{{0, 0, .5, true, false}, {2, 1, .6, false, true}, {2, 2, .3, false, true}}},
		"one runs":         {peers: []peer{{0, 0, .5, true, false}, {0, 1, .4, false, false}}, running: []int{1}},
		"a worse runs":     {peers: []peer{{0, 0, .5, true, false}, {0, 1, .6, false, false}}, running: []int{1}, want: search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: 0.5 is the best as the study ends"}},
		"one was stopped":  {peers: []peer{{0, 0, .5, true, false}, {0, 1, .4, false, false}}, want: search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: 0.5 is the best as the study ends"}},
		"equal, came late": {peers: []peer{{0, 1, .5, true, false}, {2, 0, .5, false, true}}},
		"equal, came first": {peers: []peer{{0, 0, .5, true, false}, {2, 1, .5, false, true}},
			want: search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: 0.5 is the best as the study ends"}},
		"two equals wait":        {peers: []peer{{0, 5, .5, true, false}, {1, 3, .5, true, false}}, want: search.Resume{Trial: 3, Budget: 9, Reason: "rung 3: 0.5 is the best as the study ends"}},
		"at the end of a ladder": {peers: []peer{{2, 0, .5, true, false}}},
	} {
		r := rungs(1, 3, 9)
		for _, p := range c.peers {
			r[p.rung].add(Peer{Trial: p.trial, Values: []float64{p.value}, Waiting: p.waiting, Done: p.done}, c.goal)
		}
		got := settle(search.Settle{Running: c.running}, c.goal, r)
		if c.want == nil && got != nil || c.want != nil && !reflect.DeepEqual(got, []search.Action{c.want}) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
			continue
		}
		if c.want != nil {
			for _, rung := range r {
				for _, p := range rung.Peers {
					if p.Trial == c.want.(search.Resume).Trial && (p.Waiting || !p.Risen) {
						t.Errorf("%s: %+v went on", name, p)
					}
				}
			}
		}
	}
}

// Everybody that waits ends, in the order of the numbers, and stays where it is.
func TestStopWaiting(t *testing.T) {
	r := rungs(1, 3)
	r[0].add(Peer{Trial: 4, Values: []float64{1}, Waiting: true}, "")
	r[0].add(Peer{Trial: 2, Values: []float64{2}}, "")
	r[0].add(Peer{Trial: 1, Values: []float64{3}, Waiting: true}, "")
	r[1].add(Peer{Trial: 3, Values: []float64{1}, Waiting: true}, "")
	got := stopWaiting(r, (*Rung).rank)
	want := []search.Action{
		search.Stop{Trial: 1, Reason: "rung 1: 3 is 3rd of 3"}, search.Stop{Trial: 3, Reason: "rung 3: 1 is 1st of 1"}, search.Stop{Trial: 4, Reason: "rung 1: 1 is 1st of 3"},
	}
	if !reflect.DeepEqual(got, want) || !r[0].Peers[0].Waiting {
		t.Errorf("%v, want %v", got, want)
	}
}

// What is set aside leaves its place, and what counts again comes back to it.
func TestSetAsideInOneRung(t *testing.T) {
	r := Rung{Budget: 1}
	for trial, v := range []float64{.3, .1, .2} {
		r.add(Peer{Trial: trial, Values: []float64{v}}, "")
	}
	trials := func(peers []Peer) (out []int) {
		for _, p := range peers {
			out = append(out, p.Trial)
		}
		return out
	}
	gone, back := r.setAside([]int{2, 1}, "")
	if !slices.Equal(trials(gone), []int{1, 2}) || back != nil || !slices.Equal(trials(r.Peers), []int{0}) || !slices.Equal(trials(r.Aside), []int{1, 2}) {
		t.Errorf("gone %v, back %v: %+v", gone, back, r)
	}
	gone, back = r.setAside([]int{0, 2}, "")
	if !slices.Equal(trials(gone), []int{0}) || !slices.Equal(trials(back), []int{1}) || !slices.Equal(trials(r.Peers), []int{1}) || !slices.Equal(trials(r.Aside), []int{0, 2}) {
		t.Errorf("gone %v, back %v: %+v", gone, back, r)
	}
	if r.setAside(nil, ""); !slices.Equal(trials(r.Peers), []int{1, 2, 0}) || len(r.Aside) != 0 {
		t.Errorf("%+v", r)
	}
}

// The ends of a front come first, then what is farthest from those taken; infinite
// values and objectives without a difference do not count.
func TestSpreadOutByDistance(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		losses [][]float64
		want   []int
	}{
		{[][]float64{{0, 2}, {1, 1}}, []int{0, 1}},
		{[][]float64{{0, 4}, {1, 3}, {2, 2}, {3, 1}, {4, 0}}, []int{0, 4, 2, 1, 3}},
		{[][]float64{{0, 400}, {1, 390}, {2, 150}, {4, 0}}, []int{0, 3, 2, 1}},
		{[][]float64{{0, 1, 7}, {0, 1, 7}, {0, 1, 7}}, []int{0, 1, 2}},
		{[][]float64{{0, inf}, {1, 4}, {5, 2}, {10, 0}}, []int{0, 3, 1, 2}},
		{[][]float64{{0, inf}, {1, 2}, {3, 2}, {10, 2}}, []int{0, 3, 2, 1}},
		{[][]float64{{0, 5, inf}, {4, 4, inf}, {10, 0, inf}, {9, 1, inf}}, []int{0, 2, 1, 3}},
	} {
		front := make([]int, len(c.losses))
		for i := range front {
			front[i] = i
		}
		if got := spreadOut(c.losses, front); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.losses, got, c.want)
		}
	}
}
