package scheduler

import (
	"reflect"
	"testing"

	"budwood/search"
)

// A free slot goes to the highest rung from which a trial may go on (Li et al.
// 2020, Algorithm 2), so that a few trials are trained far early.
func TestASHAPromotesFromTheHighestRung(t *testing.T) {
	a := &ASHA{Max: 9} // rungs 1, 3, 9
	a.Step(search.Free{Slots: 12, New: 12})
	for trial := range 9 {
		a.Step(search.Reported{Trial: trial, Budget: 1, Values: []float64{float64(trial)}})
	}
	if got := a.Step(search.Free{Slots: 4}); len(got) != 3 {
		t.Fatalf("%v go on, want 3 of 9", got)
	}
	for trial := range 3 {
		a.Step(search.Reported{Trial: trial, Budget: 3, Values: []float64{float64(trial)}})
	}
	for trial := 9; trial < 12; trial++ {
		a.Step(search.Reported{Trial: trial, Budget: 1, Values: []float64{float64(trial)}})
	}
	for _, want := range []search.Action{
		search.Resume{Trial: 0, Budget: 9, Reason: "rung 3: 0 is 1st of 3"},
		search.Resume{Trial: 3, Budget: 3, Reason: "rung 1: 3 is 4th of 12"},
	} {
		if got := a.Step(search.Free{Slots: 1}); !reflect.DeepEqual(got, []search.Action{want}) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got := a.Step(search.Free{Slots: 1}); got != nil {
		t.Errorf("%v: nobody else may go on", got)
	}
}
