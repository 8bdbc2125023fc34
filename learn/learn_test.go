package learn_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"budwood/learn"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

var boost = learn.Train(func(_ context.Context, t *trials.Trial) (learn.Learner, error) {
	if rate := t.Params["rate"].(float64); rate <= 0 {
		return nil, fmt.Errorf("a rate of %v: %w", rate, trials.ErrInfeasible)
	}
	return newBoosting(t), nil
})

func task(from, to, patience int) trials.Task {
	return trials.Task{
		Study: "s", Trial: search.Trial{ID: 3, Params: search.Params{"rate": .5}}, Seed: 7, From: from, To: to, Total: 200, Patience: patience,
		Objectives: []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}},
	}
}

func runner(t *testing.T) *trials.Runner {
	t.Helper()
	return &trials.Runner{Blobs: blob.Dir(t.TempDir()), Meter: energy.NewAttributor(energy.Power{}), Every: time.Nanosecond}
}

func run(t *testing.T, r *trials.Runner, task trials.Task) segment.Result {
	t.Helper()
	out, err := r.Run(t.Context(), task, boost, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// saved is the model in the checkpoint of a result, and its bytes.
func saved(t *testing.T, r *trials.Runner, out segment.Result) (*boosting, []byte) {
	t.Helper()
	c, err := trials.OpenCheckpoint(t.Context(), r.Blobs, out.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := io.ReadAll(c.Model())
	if err != nil {
		t.Fatal(err)
	}
	m := &boosting{rate: .5}
	if err := m.Load(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return m, b
}

// A learner that is no network is stopped early, and what is left of it is its best
// epoch, whose predictions come to the score that was reported.
func TestLearnerStopsEarly(t *testing.T) {
	r := runner(t)
	out := run(t, r, task(0, 200, 10))
	if out.State != search.Completed || !strings.Contains(out.Reason, "no improvement") || out.Budget >= 200 || len(out.Curve) != out.Budget {
		t.Fatalf("%s at %d: %s", out.State, out.Budget, out.Reason)
	}
	m, _ := saved(t, r, out)
	if m.Best == 0 || m.Best != out.Budget-10 || len(m.Stumps) != out.Budget {
		t.Errorf("the best of %d rounds is %d", len(m.Stumps), m.Best)
	}
	if got, want := m.loss(waves(200, 2), m.Best), out.Final.Metrics["valid_loss"]; got != want || math.IsNaN(got) {
		t.Errorf("its predictions have a loss of %v, and %v was reported", got, want)
	}
	if test := m.loss(waves(200, 3), m.Best); test > .3 { // the noise alone is .09, predicting nothing .8
		t.Errorf("a loss of %v on new rows", test)
	}
	if n := out.Final.Metrics["params"]; n != 4*float64(m.Best) {
		t.Errorf("%v parameters", n)
	}
}

// A learner that is paused at a rung, or whose worker is lost after any epoch, ends
// as one that never was: the same curve, the same bytes.
func TestLearnerGoesOn(t *testing.T) {
	whole := runner(t)
	want := run(t, whole, task(0, 9, 0))
	_, model := saved(t, whole, want)

	paused := runner(t)
	first := run(t, paused, task(0, 3, 0))
	got := run(t, paused, task(3, 9, 0))
	if curve := append(first.Curve, got.Curve...); first.State != search.Paused || !reflect.DeepEqual(curve, want.Curve) {
		t.Errorf("with a pause\n%v, want\n%v", curve, want.Curve)
	}
	if _, b := saved(t, paused, got); !bytes.Equal(b, model) {
		t.Error("with a pause it is another model")
	}

	for stop := 1; stop < 9; stop++ {
		r := runner(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		_, err := r.Run(ctx, task(0, 9, 0), boost, func(m search.Measurement) {
			if m.Budget == stop {
				cancel(trials.ErrInterrupted)
			}
		})
		if !errors.Is(err, trials.ErrInterrupted) {
			t.Fatal(err)
		}
		got := run(t, r, task(0, 9, 0))
		if _, b := saved(t, r, got); !bytes.Equal(b, model) || !reflect.DeepEqual(got.Curve, want.Curve) {
			t.Errorf("lost after epoch %d it is another model", stop)
		}
	}
}

// A learner that cannot be built is a result, not a failure.
func TestNoSuchLearner(t *testing.T) {
	bad := task(0, 9, 0)
	bad.Trial.Params = search.Params{"rate": -1.}
	if out := run(t, runner(t), bad); out.State != search.Infeasible || !strings.Contains(out.Reason, "a rate of -1") {
		t.Errorf("%s: %s", out.State, out.Reason)
	}
}
