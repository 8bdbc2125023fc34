package study_test

import (
	"context"
	"testing"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
	"budwood/trials/store"
)

// A study whose space holds fewer points than its budget says so; one that has had
// its trials says nothing.
func TestWhyAStudyEndedEarly(t *testing.T) {
	for trialsWanted, want := range map[int]string{4: "every point of the space was tried", 3: ""} {
		b := studytest.New(t, nil)
		spec := &study.Spec{Name: "small", Space: search.Space{search.Int("n", 1, 3)}, Search: study.Search{Sampler: "grid"}, Budget: study.Budget{Trials: trialsWanted, Epochs: 1}, Retrain: study.Retrain{Best: 1}}
		if err := spec.Complete(); err != nil {
			t.Fatal(err)
		}
		_, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, func(_ context.Context, t *trials.Trial) error {
			for range t.Epochs() {
				t.Report(1)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		row, err := b.Recorder.Store.Study(t.Context(), "small")
		if err != nil || row.Reason != want || row.State != store.StudyCompleted {
			t.Errorf("%d trials of 3 points: %s, %q, want %q, %v", trialsWanted, row.State, row.Reason, want, err)
		}
	}
}

// A study that its smallest gain ended says so, unless there was nothing left to try.
func TestWhyMinGainEndedAStudy(t *testing.T) {
	for _, c := range []struct {
		space search.Space
		want  string
	}{
		{search.Space{search.Float("x", 0, 1)}, "after 20 trials the next one was expected to improve loss by less than 0.5"},
		{search.Space{search.Int("n", 1, 3)}, "every point of the space was tried"},
	} {
		b := studytest.New(t, nil)
		spec := &study.Spec{Name: "gains", Space: c.space, Search: study.Search{Sampler: "random", Scheduler: "none", Parallel: 1}, Budget: study.Budget{Trials: 30, Epochs: 1, MinGain: .5}}
		if err := spec.Complete(); err != nil {
			t.Fatal(err)
		}
		_, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, func(_ context.Context, t *trials.Trial) error {
			t.Report(1)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if row, err := b.Recorder.Store.Study(t.Context(), "gains"); err != nil || row.Reason != c.want {
			t.Errorf("%q, want %q, %v", row.Reason, c.want, err)
		}
	}
}
