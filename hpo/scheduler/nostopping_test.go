package scheduler

import (
	"testing"

	"budwood/search"
)

// The others wait for the first trial, and there are none if it comes to nothing.
func TestNoStoppingFirst(t *testing.T) {
	free := search.Free{Slots: 3, New: 5}
	for name, c := range map[string]struct {
		end  search.Event
		want int // trials that start when it is over
	}{
		"trained": {search.Reported{Trial: 0, Budget: 9, Values: []float64{1}}, 3},
		"stopped": {search.Ended{Trial: 0, Budget: 4, State: search.Stopped, Values: []float64{1}}, 3},
		"failed":  {search.Ended{Trial: 0, State: search.Failed}, 0},
	} {
		f := &NoStopping{Max: 9, First: true}
		if n := len(f.Step(free)); n != 1 {
			t.Errorf("%s: %d trials at the beginning", name, n)
		}
		if n := len(f.Step(free)); n != 0 {
			t.Errorf("%s: %d trials beside the first", name, n)
		}
		f.Step(c.end)
		if n := len(f.Step(free)); n != c.want {
			t.Errorf("%s: %d trials after the first", name, n)
		}
	}
}
