package study_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// Ten failures and no value end a study; so do as many
// as max_failed says. Run again with the program mended it goes on.
func TestMaxFailed(t *testing.T) {
	spec := func(limit, parallel int) *study.Spec {
		s := &study.Spec{Name: "fails", Space: search.Space{search.Float("x", 0, 1)}, MaxFailed: limit,
			Search: study.Search{Sampler: "random", Scheduler: "none", Parallel: parallel, WarmStart: "off"}, Budget: study.Budget{Trials: 30, Epochs: 1}}
		if err := s.Complete(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	broken := true
	objective := func(_ context.Context, t *trials.Trial) error {
		if broken || t.ID%3 == 2 {
			return errors.New("exit status 1\nTraceback\nno module named torch")
		}
		for range t.Epochs() {
			t.Report(1)
		}
		return nil
	}
	here := studytest.New(t, objective)
	if _, err := study.Local(t.Context(), spec(0, 1), here.Recorder, here.Runner, objective); err != nil {
		t.Fatal(err)
	}
	if n := len(here.Records(t, "fails")); n != 10 {
		t.Errorf("%d trials, want 10", n)
	}

	broken = false
	if _, err := study.Local(t.Context(), spec(0, 1), here.Recorder, here.Runner, objective); err != nil {
		t.Fatal(err)
	}
	if n := len(here.Records(t, "fails")); n != 30 {
		t.Errorf("%d trials when it is mended, want 30", n)
	}

	b := studytest.New(t, objective)
	if _, err := study.Local(t.Context(), spec(2, 1), b.Recorder, b.Runner, objective); err != nil {
		t.Fatal(err)
	}
	row, err := b.Recorder.Store.Study(t.Context(), "fails")
	if n := len(b.Records(t, "fails")); err != nil || n != 6 || !strings.HasPrefix(row.Reason, "2 trials failed, the last one t0005") {
		t.Errorf("max_failed 2: %d trials, %q, %v", n, row.Reason, err)
	}
}
