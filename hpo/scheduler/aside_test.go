package scheduler

import (
	"encoding/json"
	"reflect"
	"testing"

	"budwood/search"
)

// A trial that is set aside is nobody's peer; when it counts again, it is as if
// nothing had been.
func TestAsideInRungs(t *testing.T) {
	a := &ASHA{Max: 9}
	a.Step(search.Free{Slots: 6, New: 6})
	for i, loss := range []float64{.1, .2, .3, .4, .5} {
		a.Step(search.Reported{Trial: i, Budget: 1, Values: []float64{loss}})
	}
	state := func() string {
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	before := state()
	if out := a.Step(search.Aside{Trials: []int{0, 1}}); out != nil {
		t.Errorf("actions %v", out)
	}
	out := a.Step(search.Free{Slots: 1})
	want := []search.Action{search.Resume{Trial: 2, Budget: 3, Reason: "rung 1: 0.3 is 1st of 3"}}
	if !reflect.DeepEqual(out, want) {
		t.Errorf("promoted %v, want %v", out, want)
	}
	*a = ASHA{}
	if err := json.Unmarshal([]byte(before), a); err != nil {
		t.Fatal(err)
	}
	a.Step(search.Aside{Trials: []int{0, 1, 3}})
	a.Step(search.Aside{Trials: []int{3}})
	a.Step(search.Aside{})
	if after := state(); after != before {
		t.Errorf("not as before:\n%s\n%s", after, before)
	}
	out = a.Step(search.Free{Slots: 1})
	if want := "rung 1: 0.1 is 1st of 5"; len(out) != 1 || out[0].(search.Resume).Reason != want {
		t.Errorf("promoted %v, want %s", out, want)
	}
}

// With several goals the fronts are those of the peers that count.
func TestAsideInFronts(t *testing.T) {
	a := &ASHA{Max: 3, Also: []search.Goal{search.Minimize}}
	a.Step(search.Free{Slots: 4, New: 4})
	for i, v := range [][]float64{{1, 1}, {2, 3}, {3, 2}, {4, 4}} {
		a.Step(search.Reported{Trial: i, Budget: 1, Values: v})
	}
	a.Step(search.Aside{Trials: []int{0}})
	for _, p := range a.Rungs[0].Peers {
		if want := map[int]int{1: 1, 2: 1, 3: 2}[p.Trial]; p.Front != want {
			t.Errorf("trial %d is in front %d, want %d", p.Trial, p.Front, want)
		}
	}
}

// A round does not wait for a trial that is set aside.
func TestAsideInRounds(t *testing.T) {
	s := &SuccessiveHalving{Max: 3, Size: 3}
	s.Step(search.Free{Slots: 3, New: 3})
	s.Step(search.Reported{Trial: 0, Budget: 1, Values: []float64{.1}})
	s.Step(search.Reported{Trial: 1, Budget: 1, Values: []float64{.2}})
	s.Step(search.Aside{Trials: []int{0, 2}})
	out := s.Step(search.Ended{Trial: 2, Budget: 1, State: search.Stopped}) // it ran
	out = append(out, s.Step(search.Free{Slots: 1})...)
	if len(out) != 1 || !reflect.DeepEqual(out[0], search.Resume{Trial: 1, Budget: 3, Reason: "rung 1: 0.2 is 1st of 1"}) {
		t.Errorf("%v", out)
	}
}
