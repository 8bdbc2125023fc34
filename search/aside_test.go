package search_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"budwood/hpo/scheduler"
	"budwood/search"
)

func TestTrialRanges(t *testing.T) {
	for text, want := range map[string][]int{
		"t0003-t0007": {3, 4, 5, 6, 7}, "3": {3}, "t0001,t0003-t0004": {1, 3, 4}, "7, 3-4 ,t0003": {3, 4, 7}, "t5-6": {5, 6},
	} {
		got, err := search.ParseTrialRanges(text, 8)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again, err := search.ParseTrialRanges(search.TrialRanges(got), 8); err != nil || !slices.Equal(again, want) {
			t.Errorf("%s: %s: %v, %v", text, search.TrialRanges(got), again, err)
		}
	}
	for text, want := range map[string]string{
		"": "is not a trial", "x": "is not a trial", "-3": "is not a trial", "t1-": "is not a trial", "4-3": "ends before it begins",
		"t0008": "the last one is t0007", "3-99999999999": "the last one is t0007", "1,,2": "is not a trial",
	} {
		if got, err := search.ParseTrialRanges(text, 8); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if got := search.TrialRanges([]int{1, 3, 4, 5, 9}); got != "t0001,t0003-t0005,t0009" {
		t.Error(got)
	}
}

// What is set aside is not promoted, not trained again as one of the best, and ends
// when it reports; the others take its place.
func TestLoopSetAside(t *testing.T) {
	l := &search.Loop{Scheduler: &scheduler.ASHA{Max: 3}, Parallel: 1, Trials: 6, Retrain: search.Retrain{Best: 1, Budget: 3}}
	d := l.Begin()
	report := func(loss float64) {
		t.Helper()
		seg := d.Run[0]
		d = l.Done(search.Outcome{Trial: seg.Trial, Budget: seg.To, State: search.Paused, Values: []float64{loss}})
	}
	report(.1)
	report(.2)
	report(.3)
	if seg := d.Run[0]; seg.Trial != 0 || seg.To != 3 {
		t.Fatalf("%+v runs, not the best of three", seg)
	}
	// The best one is set aside while it runs, the second while it is paused.
	if d := l.SetAside([]int{0, 1}, []search.Scored{{Trial: 2, Loss: .3}}); len(d.Run)+len(d.Ended) > 0 {
		t.Errorf("%+v", d)
	}
	d = l.Done(search.Outcome{Trial: 0, Budget: 3, State: search.Paused, Values: []float64{.05}})
	if want := []search.Ending{{Trial: 0, State: search.Stopped, Reason: "set aside"}}; !reflect.DeepEqual(d.Ended, want) {
		t.Errorf("%+v", d.Ended)
	}
	report(.5)
	report(.4)
	if seg := d.Run[0]; seg.Trial != 2 || seg.Reason != "rung 1: 0.3 is 1st of 3" {
		t.Fatalf("%+v", seg)
	}
	report(.25)
	report(.6)
	if len(d.Run) != 1 || !d.Run[0].Again || d.Run[0].Like != 2 {
		t.Fatalf("trained again: %+v", d.Run)
	}
	ended := map[int]bool{}
	for _, e := range d.Ended {
		ended[e.Trial] = true
	}
	if !ended[1] {
		t.Errorf("the study ends, and nobody ends t0001, which is paused: %+v", d.Ended)
	}
}
