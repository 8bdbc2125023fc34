package workflows

import (
	"context"
	"testing"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/store"
)

// A study whose space holds fewer points than its budget says so; one that has had
// its trials says nothing.
func TestWhyAStudyEndedEarly(t *testing.T) {
	for trialsWanted, want := range map[int]string{4: "every point of the space was tried", 3: ""} {
		b := newBench(t, nil)
		spec := &Spec{Name: "small", Space: search.Space{search.Int("n", 1, 3)}, Search: Search{Sampler: "grid"}, Budget: Budget{Trials: trialsWanted, Epochs: 1}, Retrain: Retrain{Best: 1}}
		if err := spec.Complete(); err != nil {
			t.Fatal(err)
		}
		_, err := Local(t.Context(), spec, b.store, b.train.Runner, func(_ context.Context, t *trials.Trial) error {
			for range t.Epochs() {
				t.Report(1)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		row, err := b.store.Store.Study(t.Context(), "small")
		if err != nil || row.Reason != want || row.State != store.StudyCompleted {
			t.Errorf("%d trials of 3 points: %s, %q, want %q, %v", trialsWanted, row.State, row.Reason, want, err)
		}
	}
}
