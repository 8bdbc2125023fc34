package engine

import (
	"testing"

	"budwood/data"
	"budwood/engine/loss"
	"budwood/engine/optim"
)

// Each loss trains a network that it fits.
func TestLossesTrain(t *testing.T) {
	classes, two, values := blobs(data.Shape{3}, 4, 64), blobs(data.Shape{3}, 2, 64), curve(64)
	teacher := mustCompile(t, Seq{Dense{Out: 16}, Tanh{}, Dense{Out: 4}}, data.Shape{3}, Config{})
	taught := *classes
	taught.Soft = make([]float32, 64*4)
	if err := teacher.Predict(taught.X, taught.Soft); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		l   loss.Loss
		s   *data.Set
		out int
	}{
		{loss.CrossEntropy{Weights: classes.BalancedWeights(), Smoothing: 0.1}, classes, 4},
		{loss.BinaryCrossEntropy{}, two, 1},
		{loss.MSE{}, values, 2}, {loss.MAE{}, values, 2}, {loss.Huber{}, values, 2},
		{loss.Distillation{Alpha: 1}, &taught, 4},
	} {
		n := mustCompile(t, Seq{Dense{Out: 32}, Tanh{}, Dense{Out: c.out}}, data.Shape{3}, Config{Loss: c.l, Batch: 16})
		tr := mustTrain(t, n, TrainConfig{Schedule: optim.Constant{LR: 0.02}})
		var first, last float64
		for i := range 60 {
			loss, err := tr.Epoch(c.s)
			if err != nil {
				t.Fatal(err)
			}
			if last = loss; i == 0 {
				first = loss
			}
		}
		if !(last < first/2) && !(c.l.String() == "cross-entropy" && last < 0.6) { // smoothing leaves 0.47
			t.Errorf("%v: loss %g after %g", c.l, last, first)
		}
		score, err := tr.Evaluate(c.s)
		if err != nil || c.s == two && score.Accuracy < 0.9 {
			t.Errorf("%v: %+v, %v", c.l, score, err)
		}
	}
}
