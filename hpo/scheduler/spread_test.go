package scheduler

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
)

func TestSpreadOutKeepsTheFront(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		losses := make([][]float64, rapid.IntRange(0, 30).Draw(t, "points"))
		for i := range losses {
			losses[i] = []float64{float64(rapid.IntRange(0, 5).Draw(t, "loss")), float64(rapid.IntRange(0, 5).Draw(t, "loss"))}
		}
		for _, front := range search.Fronts(losses) {
			if again := spreadOut(losses, front); !reflect.DeepEqual(sorted(again), sorted(front)) {
				t.Fatalf("front %v spread out is %v", front, again)
			}
		}
	})
}

func TestSpreadOutTakesTheEndsFirst(t *testing.T) {
	losses := [][]float64{{0, 10}, {1, 9}, {2, 8}, {5, 5}, {10, 0}}
	if got, want := spreadOut(losses, []int{0, 1, 2, 3, 4}), []int{0, 4, 3, 2, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestASHAWithTwoObjectives(t *testing.T) {
	a := &ASHA{Max: 9, Goal: search.Maximize, Also: []search.Goal{search.Minimize}}
	a.Step(search.Free{Slots: 6, New: 6})
	for trial, v := range [][]float64{{.9, 50}, {.5, 5}, {.8, 60}, {.4, 7}, {.7, 20}, {.3, 70}} {
		a.Step(search.Reported{Trial: trial, Budget: 1, Values: v})
	}
	got := a.Step(search.Free{Slots: 6})
	want := []search.Action{
		search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: (0.9, 50) is in front 1, 1st of 6"},
		search.Resume{Trial: 1, Budget: 3, Reason: "rung 1: (0.5, 5) is in front 1, 2nd of 6"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%v, want the two ends of the front: %v", got, want)
	}
	reasons := map[int]string{}
	for _, x := range a.Step(search.Closed{}) {
		reasons[x.(search.Stop).Trial] = x.(search.Stop).Reason
	}
	for trial, want := range map[int]string{
		4: "rung 1: (0.7, 20) is in front 1 with the cut, but nearer to others, of 6 peers",
		5: "rung 1: (0.3, 70) is in front 3, the cut is in front 1 of 6 peers",
	} {
		if reasons[trial] != want {
			t.Errorf("t%d: %q, want %q", trial, reasons[trial], want)
		}
	}
}

func sorted(x []int) map[int]bool {
	out := map[int]bool{}
	for _, i := range x {
		out[i] = true
	}
	return out
}
