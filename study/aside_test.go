package study_test

import (
	"errors"
	"slices"
	"testing"

	"budwood/hpo"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// The sampler sees no trial that is set aside.
func TestSamplerDoesNotSeeAside(t *testing.T) {
	spec := studytest.Toy(t, "blind")
	spec.Search.Sampler, spec.Search.Scheduler, spec.Budget.Trials = "tpe", "none", 13
	b := studytest.New(t, studytest.WrongAtFirst)
	if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, b.Objective); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Recorder.SetAside(t.Context(), spec.Name, []int{0, 1}, "a mistake"); err != nil {
		t.Fatal(err)
	}
	propose := func(past []search.Record) any {
		t.Helper()
		p, err := hpo.TPE{}.Propose(t.Context(), search.Request{Space: spec.Space, Objectives: spec.Objectives(), Past: past, First: 13, N: 1, Seed: spec.Search.Seed})
		if err != nil {
			t.Fatal(err)
		}
		return p[0]["x"]
	}
	past := b.Stored(t, spec.Name)
	got, err := b.Recorder.Start(t.Context(), study.StartInput{Study: spec.Name, Segments: []search.Segment{{Trial: 13, To: 9}}})
	if err != nil || len(got) != 1 || got[0].Params["x"] != propose(past[2:]) {
		t.Errorf("%v, %v, want %v", got, err, propose(past[2:]))
	}
	for i := range past {
		past[i].Aside = ""
	}
	if got[0].Params["x"] == propose(past) {
		t.Error("the two trials make no difference to the sampler: this test sees nothing")
	}
}

// A trial that was paused when its study was interrupted, and is set aside, ends
// when the study goes on.
func TestPausedTrialSetAsideEnds(t *testing.T) {
	spec := studytest.Toy(t, "paused")
	spec.Search.Scheduler = "hyperband"
	spec.Budget.Trials = 5
	b := studytest.New(t, studytest.Quadratic)
	segments := 0
	died := errors.New("the disk is gone")
	runner := &trials.Runner{Blobs: studytest.FailingBlobs{Store: b.Runner.Blobs, Fail: func() error {
		if segments++; segments > 4 {
			return died
		}
		return nil
	}}, Meter: b.Runner.Meter}
	if _, err := study.Local(t.Context(), spec, b.Recorder, runner, studytest.Quadratic); !errors.Is(err, died) {
		t.Fatal(err)
	}
	i := slices.IndexFunc(b.Stored(t, spec.Name), func(r search.Record) bool { return r.State == search.Paused })
	if i < 0 {
		t.Fatal("no trial is paused")
	}
	if _, err := b.Recorder.SetAside(t.Context(), spec.Name, []int{i}, "a mistake"); err != nil {
		t.Fatal(err)
	}
	r, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, studytest.Quadratic)
	if err != nil || r.Best == i {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := b.Stored(t, spec.Name)[i]; got.State != search.Stopped || got.Reason != "paused at 1 when the study ended" || len(got.Measurements) != 1 {
		t.Errorf("%+v", got)
	}
}
