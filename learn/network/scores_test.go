package network

import (
	"context"
	"math"
	"testing"

	"budwood/data"
	"budwood/learn"
	"budwood/search"
	"budwood/trials"
)

// The scores that a study asks for are those of the network's predictions on the
// validation rows, those of all folds together, and on the test rows.
func TestScores(t *testing.T) {
	for _, cv := range []bool{false, true} {
		s := supervised(cv)
		s.Scores = []string{"auc", "balanced_accuracy", "f1"}
		task := childTask(1, 4, search.Params{"lr": 0.02, "batch": 8., "ema": 0.5})
		r := newRunner(t)
		var rows *data.Set
		var outputs []float32
		got, err := r.Run(context.Background(), task, func(ctx context.Context, tr *trials.Trial) error {
			m, err := s.members(tr.Params, tr.Total(), tr.Seed(), nil)
			if err == nil {
				err = learn.Run(tr, m)
			}
			outputs, rows = m.predictions()
			return err
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		last := got.Curve[len(got.Curve)-1].Metrics
		predicted := data.Argmax(outputs, 2)
		if n := map[bool]int{false: 30, true: 90}[cv]; len(predicted) != n || len(rows.Class) != n {
			t.Fatalf("%d predictions of %d rows, want %d", len(predicted), len(rows.Class), n)
		}
		for metric, want := range map[string]float64{
			"valid_accuracy":          data.Accuracy(predicted, rows.Class),
			"valid_balanced_accuracy": data.BalancedAccuracy(predicted, rows.Class, 2),
			"valid_f1":                data.F1(predicted, rows.Class, 2),
		} {
			if math.Abs(last[metric]-want) > 1e-12 {
				t.Errorf("folds %v: %s %v, want %v", cv, metric, last[metric], want)
			}
		}
		if last["valid_auc"] < 0.9 || last["valid_auc"] > 1 { // the classes are the sign of a column
			t.Errorf("folds %v: AUC %v", cv, last["valid_auc"])
		}
		test, err := s.Test(context.Background(), r.Blobs, got.Checkpoint, task.Trial.Params, 1)
		if err != nil || test["test_auc"] < 0.9 || test["test_f1"] == 0 {
			t.Errorf("folds %v: test %v, %v", cv, test, err)
		}
	}
	d := &data.Data{TargetScale: 3}
	if got := scores["mae"]([]float32{1, 2}, &data.Set{Target: []float32{2, 4}}, d); got != 4.5 {
		t.Errorf("mean absolute error %v in the target's unit, want 4.5", got)
	}
}
