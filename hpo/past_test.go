package hpo

import (
	"math"
	"reflect"
	"testing"

	"budwood/search"
)

// past of trials measured at budgets 1, 3 and 9.
func record(id int, state search.State, losses ...float64) search.Record {
	r := search.Record{Trial: search.Trial{ID: id}, State: state}
	for i, l := range losses {
		r.Measurements = append(r.Measurements, search.Measurement{Budget: []int{1, 3, 9}[i], Metrics: search.Metrics{"loss": l}})
	}
	return r
}

// What is good after one epoch does not count as good once it is known how much
// the loss changes from there on, in either direction.
func TestReadComparesTrialsOfDifferentBudgets(t *testing.T) {
	o := []search.Objective{{Metric: "loss"}}
	for _, c := range []struct {
		past []search.Record
		want []int
	}{
		{[]search.Record{ // the loss falls by .3 after budget 1, and by .1 after budget 3
			record(0, search.Completed, .9, .7, .6),
			record(1, search.Completed, .8, .6, .5),
			record(2, search.Stopped, .7),      // .4
			record(3, search.Paused, .75, .55), // .45
			record(4, search.Completed, .42),   // ended by itself
			record(5, search.Stopped, 1.2, .9), // .8
			record(6, search.Diverged, .1, .1),
		}, []int{2, 4, 3, 1, 0, 5}},
		{[]search.Record{ // the loss rises by .2
			record(0, search.Completed, .1, .3),
			record(1, search.Completed, .2, .4),
			record(2, search.Paused, .15), // .35
		}, []int{0, 2, 1}},
		{[]search.Record{record(0, search.Paused, .2), record(1, search.Paused, .1)}, []int{1, 0}},
	} {
		var got []int
		for _, r := range read(search.Request{Objectives: o, Past: c.past}).ranked {
			got = append(got, r.record)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("ranked %v, want %v", got, c.want)
		}
	}
}

func TestReadSortsOutWhatHasNoLoss(t *testing.T) {
	p := read(search.Request{Objectives: []search.Objective{{Metric: "loss", Goal: search.Maximize}}, Past: []search.Record{
		record(0, search.Running), record(1, search.Diverged, .1, .05), record(2, search.Failed), record(3, search.Infeasible),
		record(4, search.Completed, math.NaN()), record(5, search.Stopped), record(6, search.Running, .3), record(7, search.Completed, .5),
		record(8, search.Paused, math.Inf(1)),
	}})
	if want := []ranked{{7, -.5}, {6, -.3}}; !reflect.DeepEqual(p.ranked, want) {
		t.Errorf("ranked %v, want %v", p.ranked, want)
	}
	if want := []int{1, 2, 3, 4, 5}; !reflect.DeepEqual(p.bad, want) {
		t.Errorf("bad %v, want %v", p.bad, want)
	}
	if want := []int{0, 8}; !reflect.DeepEqual(p.pending, want) {
		t.Errorf("pending %v, want %v", p.pending, want)
	}
}
