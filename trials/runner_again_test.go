package trials

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"budwood/search"
)

// A segment that was trained to its end, however it ended, is not trained again
// when the report of it was lost.
func TestSegmentIsTrainedOnce(t *testing.T) {
	for name, f := range map[string]TrainFunc{
		"paused":    counting(&counter{}),
		"diverged":  func(_ context.Context, t *Trial) error { return ErrDiverged },
		"no keeper": func(_ context.Context, t *Trial) error { return reportAll(t) },
		"completed": func(_ context.Context, t *Trial) error {
			for range t.Epochs() {
				t.Report(1)
				t.stopped = search.Completed
			}
			return nil
		},
	} {
		r := testRunner(t)
		task := testTask(0, 9)
		first := mustRun(t, r, task, f)
		again := mustRun(t, r, task, func(context.Context, *Trial) error {
			t.Errorf("%s: it was trained again", name)
			return nil
		})
		if diff := cmp.Diff(first, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: (-first +again) %s", name, diff)
		}
	}
}

func reportAll(t *Trial) error {
	for range t.Epochs() {
		t.Report(1)
	}
	return nil
}

// A worker that shuts down hands its trial on, at the epoch it has reached.
func TestInterruptedTrialGoesOn(t *testing.T) {
	r, c := testRunner(t), &counter{}
	r.Every = 1 << 62
	ctx, stop := context.WithCancelCause(context.Background())
	_, err := r.Run(ctx, testTask(0, 9), counting(c), func(m search.Measurement) {
		if m.Budget == 5 {
			stop(ErrInterrupted)
		}
	})
	if !errors.Is(err, ErrInterrupted) {
		t.Fatal(err)
	}
	epochs := 0
	res, err := r.Run(context.Background(), testTask(0, 9), counting(c), func(search.Measurement) { epochs++ })
	if err != nil || res.State != search.Paused || epochs != 4 || len(res.Curve) != 9 {
		t.Errorf("%v, %s after %d more epochs with a curve of %d, want paused, 4 and 9", err, res.State, epochs, len(res.Curve))
	}
}
