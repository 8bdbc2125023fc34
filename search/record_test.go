package search_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"budwood/search"
)

func TestGoal(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		g    search.Goal
		a, b float64
		want bool
	}{
		{"", 1, 2, true},
		{search.Minimize, 2, 1, false},
		{search.Minimize, 1, 1, false},
		{search.Maximize, 2, 1, true},
		{search.Maximize, 1, nan, true},
		{search.Minimize, nan, 1, false},
		{search.Minimize, nan, nan, false},
	} {
		if got := c.g.Better(c.a, c.b); got != c.want {
			t.Errorf("%q: %v better than %v: %v, want %v", c.g, c.a, c.b, got, c.want)
		}
	}
}

func TestStateEnded(t *testing.T) {
	for s, want := range map[search.State]bool{
		"": false, search.Running: false, search.Paused: false,
		search.Completed: true, search.Stopped: true, search.Infeasible: true, search.Diverged: true, search.Failed: true,
	} {
		if s.Ended() != want {
			t.Errorf("%q ended: %v, want %v", s, s.Ended(), want)
		}
	}
}

func TestLossOfRecord(t *testing.T) {
	o := search.Objective{Metric: "loss"}
	at := func(v float64) search.Record {
		return search.Record{Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": v}}}}
	}
	for _, c := range []struct {
		r    search.Record
		want float64
		ok   bool
	}{
		{at(.5), .5, true},
		{at(math.NaN()), 0, false},
		{at(math.Inf(1)), 0, false},
		{search.Record{}, 0, false},
		{search.Record{Measurements: []search.Measurement{{Metrics: search.Metrics{"other": 1}}}}, 0, false},
	} {
		if got, ok := c.r.Loss(o); got != c.want || ok != c.ok {
			t.Errorf("%+v: %v, %v; want %v, %v", c.r, got, ok, c.want, c.ok)
		}
	}
}

func TestRecordSurvivesJSONWithoutNaN(t *testing.T) {
	r := search.Record{
		Trial: search.Trial{ID: 31, Params: search.Params{"act": "relu"}, Source: "tpe"},
		State: search.Stopped, Reason: "rung 9: 0.712 < cut 0.748 of 9 peers",
		Measurements: []search.Measurement{{Budget: 9, Metrics: search.Metrics{"accuracy": .712, "odd": math.NaN(), "huge": math.Inf(1)}}},
		Joules:       12, Seconds: 3,
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back search.Record
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	r.Measurements[0].Metrics = search.Metrics{"accuracy": .712}
	if !reflect.DeepEqual(back, r) {
		t.Errorf("%+v, want %+v", back, r)
	}
	if back.Name() != "t0031" || search.TrialName(12345) != "t12345" {
		t.Errorf("names %s, %s", back.Name(), search.TrialName(12345))
	}
}

func TestUsable(t *testing.T) {
	for _, s := range []search.State{search.Running, search.Paused, search.Completed, search.Stopped} {
		if !s.Usable() {
			t.Errorf("%s is not usable", s)
		}
	}
	for _, s := range []search.State{search.Infeasible, search.Diverged, search.Failed} {
		if s.Usable() {
			t.Errorf("%s is usable", s)
		}
	}
}
