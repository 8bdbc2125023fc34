package network

import (
	"context"
	"errors"
	"io"
	"testing"

	"budwood/engine"
	"budwood/search"
	"budwood/trials"
)

// children are [supervised] whose candidates inherit from the trial that they name.
func children(cv bool) Supervised {
	s := supervised(cv)
	s.Parent = func(p search.Params) (int, bool) {
		n, ok := p["parent"].(float64)
		return int(n), ok
	}
	s.Inherit = func(child, parent *engine.Net) (float64, error) {
		copy(child.Params(), parent.Params())
		return 0.75, nil
	}
	return s
}

func childTask(trial, to int, p search.Params) trials.Task {
	task := newTask(0, to)
	task.Trial = search.Trial{ID: trial, Params: p}
	task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
	task.Inherit = true
	return task
}

// A candidate begins where its parent is, and does so again after it was
// interrupted, whatever has become of the parent since.
func TestInherit(t *testing.T) {
	for _, cv := range []bool{false, true} {
		s, ctx := children(cv), context.Background()
		child := childTask(2, 3, search.Params{"lr": 0.02, "batch": 8., "parent": 1.})
		r := newRunner(t)
		parent := runTask(t, r, childTask(1, 6, search.Params{"lr": 0.02, "batch": 8.}), s.Train)
		whole := runTask(t, r, child, s.Train)
		if n := whole.Final.Metrics["inherited"]; n != 0.75 {
			t.Errorf("folds %v: inherited %v", cv, n)
		}
		if _, ok := parent.Final.Metrics["inherited"]; ok {
			t.Errorf("folds %v: a trial without a parent tells what it inherited", cv)
		}
		if a, b := whole.Curve[0].Metrics["valid_loss"], parent.Curve[0].Metrics["valid_loss"]; a > 0.9*b {
			t.Errorf("folds %v: a loss of %g after the first epoch, its parent began with %g", cv, a, b)
		}

		r = newRunner(t)
		runTask(t, r, childTask(1, 6, search.Params{"lr": 0.02, "batch": 8.}), s.Train)
		interrupted, cancel := context.WithCancelCause(ctx)
		_, err := r.Run(interrupted, child, func(ctx context.Context, tr *trials.Trial) error {
			cancel(trials.ErrInterrupted) // in the first epoch, before any checkpoint of its own
			return s.Train(ctx, tr)
		}, nil)
		if !errors.Is(err, trials.ErrInterrupted) {
			t.Fatal(err)
		}
		if err := r.Blobs.DeleteAll(ctx, trials.TrialKey(child.Study, 1)); err != nil {
			t.Fatal(err)
		}
		again := runTask(t, r, child, s.Train)
		for _, metric := range []string{"valid_loss", "train_loss", "inherited"} {
			if a, b := whole.Final.Metrics[metric], again.Final.Metrics[metric]; a != b {
				t.Errorf("folds %v: %s: %v in one go, %v after an interruption", cv, metric, a, b)
			}
		}
	}
}

// Where nothing of the parent is left, or the trial is to be trained from scratch,
// it begins like any other, and says so.
func TestInheritNothing(t *testing.T) {
	s, ctx := children(false), context.Background()
	alone := runTask(t, newRunner(t), childTask(2, 3, search.Params{"lr": 0.02, "batch": 8.}), s.Train)
	same := func(name string, r *trials.Runner, task trials.Task, says bool) {
		t.Helper()
		got := runTask(t, r, task, s.Train)
		if a, b := alone.Final.Metrics["valid_loss"], got.Final.Metrics["valid_loss"]; a != b {
			t.Errorf("%s: a loss of %v, %v without a parent", name, b, a)
		}
		if n, ok := got.Final.Metrics["inherited"]; ok != says || n != 0 {
			t.Errorf("%s: inherited %v, %v", name, n, ok)
		}
	}
	child := childTask(2, 3, search.Params{"lr": 0.02, "batch": 8., "parent": 1.})
	same("gone", newRunner(t), child, true)

	r := newRunner(t)
	for key, text := range map[string]string{"e0003": "no checkpoint", "part": "{\"epoch\":3,\"params\":{\"lr\":0.02,\"batch\":8}}\nno weights"} {
		if err := r.Blobs.Put(ctx, trials.TrialKey(child.Study, 1)+"/"+key, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	same("damaged", r, child, true)

	r = newRunner(t)
	runTask(t, r, childTask(1, 6, search.Params{"lr": 0.02, "batch": 8.}), s.Train)
	child.Inherit = false
	same("from scratch", r, child, false)
}
