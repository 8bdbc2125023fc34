package energy

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"budwood/search"
)

func TestEnergyAdd(t *testing.T) {
	measured := Energy{Joules: 10, Method: RAPL, Low: 8, High: 10, Idle: 2}
	estimated := Energy{Joules: 4, Method: Estimated, Low: 2, High: 6}
	for _, c := range []struct{ a, b, want Energy }{
		{Energy{}, measured, measured},
		{measured, Energy{}, measured},
		{measured, measured, Energy{Joules: 20, Method: RAPL, Low: 16, High: 20, Idle: 4}},
		{measured, estimated, Energy{Joules: 14, Method: Estimated, Low: 10, High: 16, Idle: 2}}, // never called measured
		{estimated, measured, Energy{Joules: 14, Method: Estimated, Low: 10, High: 16, Idle: 2}},
	} {
		if got := c.a.Add(c.b); got != c.want {
			t.Errorf("%+v + %+v = %+v, want %+v", c.a, c.b, got, c.want)
		}
	}
	if wh := (Energy{Joules: 7200}).Wh(); wh != 2 {
		t.Errorf("7200 J are %v Wh", wh)
	}
	b, err := json.Marshal(measured)
	if err != nil {
		t.Fatal(err)
	}
	var back Energy
	if err := json.Unmarshal(b, &back); err != nil || back != measured {
		t.Errorf("through JSON: %s", cmp.Diff(measured, back))
	}
}

func TestSaved(t *testing.T) {
	at := func(state search.State, budget int, joules float64) search.Record {
		r := search.Record{State: state, Joules: joules}
		if budget > 0 {
			r.Measurements = []search.Measurement{{Budget: budget}}
		}
		return r
	}
	got := Saved([]search.Record{
		at(search.Stopped, 3, 30),    // 10 J an epoch, 24 epochs not trained
		at(search.Completed, 9, 18),  // no longer improved: 2 J an epoch, 18 epochs
		at(search.Completed, 27, 50), // nothing left
		at(search.Diverged, 1, 5),    // could not have gone on
		at(search.Running, 3, 30),
		at(search.Stopped, 0, 1), // stopped before its first epoch: nothing to go by
		at(search.Stopped, 3, math.NaN()),
	}, 27)
	if want := 10*24. + 2*18; got != want {
		t.Errorf("saved %v J, want %v", got, want)
	}
}
