package study_test

import (
	"testing"

	"budwood/nas"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
)

// Three objectives and an architecture: NSGA-III from the file to the front.
func TestThreeObjectives(t *testing.T) {
	b := studytest.New(t, nil)
	spec := studytest.Digits(t, "three", func(s *study.Spec) {
		s.Search.Sampler, s.Budget.Trials = "nsga3", 24 // the first 6 are random
		s.Also = []search.Objective{{Metric: "params", Goal: search.Minimize}, {Metric: "macs", Goal: search.Minimize}}
	})
	if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil); err != nil {
		t.Fatal(err)
	}
	records := b.Records(t, spec.Name)
	if len(records) != spec.Budget.Trials {
		t.Fatalf("%d trials", len(records))
	}
	for _, r := range records {
		if r.State != search.Completed || r.Source != "nsga3" {
			t.Errorf("%s: %s %s of %q", r.Name(), r.State, r.Reason, r.Source)
		}
		if o, _ := nas.OriginOf(r.Params); (len(o.Parents) > 0) != (r.ID >= 6) {
			t.Errorf("%s has the parents %v", r.Name(), o.Parents)
		}
	}
	front := search.ParetoFront(records, spec.Objectives()).Trials
	if len(front) == 0 {
		t.Fatal("no front")
	}
	for _, p := range front {
		if len(p.Values) != 3 {
			t.Errorf("%+v", p)
		}
	}
}
