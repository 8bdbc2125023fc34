package scheduler

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"

	"budwood/search"
)

func TestBudgets(t *testing.T) {
	for _, c := range []struct {
		low, top, eta int
		want          []int
	}{
		{1, 27, 3, []int{1, 3, 9, 27}},
		{0, 27, 3, []int{1, 3, 9, 27}},
		{2, 27, 3, []int{3, 9, 27}},
		{1, 60, 3, []int{2, 7, 20, 60}},
		{5, 60, 4, []int{15, 60}},
		{1, 16, 2, []int{1, 2, 4, 8, 16}},
		{7, 7, 3, []int{7}},
		{7, 3, 3, []int{7}},
		{0, 0, 3, []int{1}},
		{1, 2, 3, []int{2}},
	} {
		if got := budgets(c.low, c.top, c.eta); !reflect.DeepEqual(got, c.want) {
			t.Errorf("budgets(%d, %d, %d) = %v, want %v", c.low, c.top, c.eta, got, c.want)
		}
	}
}

func TestHyperbandDealsTheShares(t *testing.T) {
	b := Hyperband{Max: 27}.Brackets()
	if want := [][]int{{1, 3, 9, 27}, {3, 9, 27}, {9, 27}, {27}}; len(b) != 4 ||
		!reflect.DeepEqual([][]int{b[0].Rungs, b[1].Rungs, b[2].Rungs, b[3].Rungs}, want) {
		t.Fatalf("brackets %v, want rungs %v", b, want)
	}
	for i, n := range []float64{27. / 4, 9. / 3, 3. / 2, 1} { // trials as in Li et al. 2018
		if want := n / (27./4 + 9./3 + 3./2 + 1); math.Abs(b[i].Share-want) > 1e-12 {
			t.Errorf("bracket %d has share %v, want %v", i, b[i].Share, want)
		}
	}
	count := make([]float64, len(b))
	for trial := range 2000 {
		count[deal(b, trial)]++
		for i, n := range count {
			if d := n - b[i].Share*float64(trial+1); math.Abs(d) > 3 {
				t.Fatalf("after %d trials bracket %d has had %v, %.1f from its share", trial+1, i, n, d)
			}
		}
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		goal   search.Goal
		values []float64
		want   string // of the last peer added, with the best two as the cut
	}{
		{search.Maximize, []float64{.931, .748, .5, .712}, "rung 9: 0.712 < cut 0.748 of 4 peers"},
		{search.Minimize, []float64{.7, .8, .9, .91}, "rung 9: 0.91 > cut 0.8 of 4 peers"},
		{"", []float64{.7, .8, .8}, "rung 9: 0.8 came after cut 0.8 of 3 peers"},
		{"", []float64{.7, .123456, .7000001}, "rung 9: 0.7000001 > cut 0.7 of 3 peers"},
	} {
		r := Rung{Budget: 9}
		i := 0
		for trial, v := range c.values {
			i = r.add(Peer{Trial: trial, Values: []float64{v}}, c.goal)
		}
		if got := r.below(i, 2, c.goal); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	var got string
	for _, n := range []int{1, 2, 3, 4, 11, 12, 13, 21, 112} {
		got += ordinal(n) + " "
	}
	if want := "1st 2nd 3rd 4th 11th 12th 13th 21st 112th "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A trial that stopped early by itself is a peer wherever its value would have
// brought it, and takes the place of a worse one there.
func TestEarlyStoppedTrialsStayPeers(t *testing.T) {
	a := &ASHA{Max: 9, Eta: 2, Goal: search.Maximize} // rungs 1, 2, 5, 9
	a.Step(search.Free{Slots: 8, New: 8})
	a.Step(search.Ended{Trial: 0, Budget: 1, State: search.Completed, Values: []float64{.9}})
	for trial := 1; trial < 4; trial++ {
		a.Step(search.Reported{Trial: trial, Budget: 1, Values: []float64{float64(trial) / 10}})
	}
	got := a.Step(search.Free{Slots: 8})
	want := []search.Action{search.Resume{Trial: 3, Budget: 2, Reason: "rung 1: 0.3 is 2nd of 4"}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%v, want %v: of four, the early stopped one and one more go on", got, want)
	}
	a.Step(search.Reported{Trial: 3, Budget: 2, Values: []float64{.4}})
	if got := a.Step(search.Free{Slots: 8}); got != nil {
		t.Fatalf("%v: the early stopped trial is the better one of the two in rung 2", got)
	}
	if !a.Rungs[2].has(0) || a.Rungs[2].has(3) {
		t.Errorf("rung 5 holds %v, want the early stopped trial", a.Rungs[2].Peers)
	}
}

func TestDivergedTrialsArePeersAndFailedOnesAreNot(t *testing.T) {
	for state, want := range map[search.State]int{search.Diverged: 1, search.Failed: 0, search.Infeasible: 0} {
		a := &ASHA{Max: 9}
		a.Step(search.Free{Slots: 3, New: 3})
		a.Step(search.Reported{Trial: 0, Budget: 1, Values: []float64{.5}})
		a.Step(search.Reported{Trial: 1, Budget: 1, Values: []float64{.6}})
		a.Step(search.Ended{Trial: 2, Budget: 1, State: state})
		if got := a.Step(search.Free{Slots: 1}); len(got) != want {
			t.Errorf("%s: %v, want %d promotions", state, got, want)
		}
	}
}

func TestASHAStoppingVariant(t *testing.T) {
	a := &ASHA{Max: 9, Stopping: true}
	a.Step(search.Free{Slots: 4, New: 4})
	for trial, v := range []float64{.5, .6, .7, .4} {
		got := a.Step(search.Reported{Trial: trial, Budget: 1, Values: []float64{v}})
		var want []search.Action
		if trial == 2 {
			want = []search.Action{search.Stop{Trial: 2, Reason: "rung 1: 0.7 > cut 0.5 of 3 peers"}}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("t%d: %v, want %v", trial, got, want)
		}
	}
	got := a.Step(search.Free{Slots: 2})
	want := []search.Action{
		search.Resume{Trial: 3, Budget: 3, Reason: "rung 1: 0.4 is 1st of 4"},
		search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: 0.5 is 2nd of 4"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The names in the state are part of the durable format.
func TestStateInJSON(t *testing.T) {
	a := &ASHA{Max: 3, Goal: search.Maximize}
	a.Step(search.Free{Slots: 3, New: 3})
	a.Step(search.Reported{Trial: 0, Budget: 1, Values: []float64{.5, 12}})
	a.Step(search.Ended{Trial: 1, Budget: 1, State: search.Diverged})
	b, err := json.Marshal(a)
	want := `{"min":0,"max":3,"eta":0,"goal":"maximize","next":3,"rungs":[{"budget":1,"peers":[{"trial":0,"values":[0.5,12],"waiting":true}],"diverged":1},{"budget":3}]}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v; want %s", b, err, want)
	}
}

func ExampleHyperband_Brackets() {
	for i, b := range (Hyperband{Max: 27}).Brackets() {
		fmt.Printf("bracket %d: rungs %v, %2.0f %% of the trials\n", i, b.Rungs, 100*b.Share)
	}
	// Output:
	// bracket 0: rungs [1 3 9 27], 55 % of the trials
	// bracket 1: rungs [3 9 27], 24 % of the trials
	// bracket 2: rungs [9 27], 12 % of the trials
	// bracket 3: rungs [27],  8 % of the trials
}

func ExampleASHA() {
	a := &ASHA{Max: 9, Goal: search.Maximize}
	show := func(actions []search.Action) {
		for _, x := range actions {
			fmt.Printf("%T %+v\n", x, x)
		}
	}
	show(a.Step(search.Free{Slots: 3, New: 3}))
	for trial, accuracy := range []float64{.71, .75, .68} {
		show(a.Step(search.Reported{Trial: trial, Budget: 1, Values: []float64{accuracy}}))
	}
	show(a.Step(search.Free{Slots: 1}))
	show(a.Step(search.Reported{Trial: 1, Budget: 3, Values: []float64{.8}}))
	show(a.Step(search.Closed{}))
	// Output:
	// search.Start {Trial:0 Budget:1 Bracket:0}
	// search.Start {Trial:1 Budget:1 Bracket:0}
	// search.Start {Trial:2 Budget:1 Bracket:0}
	// search.Resume {Trial:1 Budget:3 Reason:rung 1: 0.75 is 1st of 3}
	// search.Stop {Trial:0 Completed:false Reason:rung 1: 0.71 < cut 0.75 of 3 peers}
	// search.Stop {Trial:1 Completed:false Reason:rung 3: 0.8 is 1st of 1, too few to promote one in 3}
	// search.Stop {Trial:2 Completed:false Reason:rung 1: 0.68 < cut 0.75 of 3 peers}
}

func BenchmarkASHAStep(b *testing.B) {
	b.ReportAllocs()
	a := &ASHA{Max: 81}
	rng := search.Rand(1, 0)
	trial := 0
	for b.Loop() {
		for _, x := range a.Step(search.Free{Slots: 1, New: 1}) {
			switch x := x.(type) {
			case search.Start:
				a.Step(search.Reported{Trial: x.Trial, Budget: x.Budget, Values: []float64{rng.Float64()}})
				trial = x.Trial
			case search.Resume:
				a.Step(search.Reported{Trial: x.Trial, Budget: x.Budget, Values: []float64{rng.Float64()}})
			}
		}
	}
	b.ReportMetric(float64(trial), "trials")
}
