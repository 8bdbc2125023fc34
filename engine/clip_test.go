package engine

import (
	"math"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/optim"
)

func TestClip(t *testing.T) {
	if f := clipping(5, 1); math.Abs(float64(f)-.2) > 1e-6 {
		t.Errorf("a norm of 5 is clipped to 1 by %v", f)
	}
	if f := clipping(.5, 1); f != 1 {
		t.Errorf("a norm of 0.5 is changed by %v", f)
	}
	s := blobs(data.Shape{5}, 3, 10)
	tr := mustTrain(t, mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 10}), TrainConfig{Optimizer: optim.SGD{}, ClipNorm: 1e-3})
	if _, err := tr.Step(s); err != nil {
		t.Fatal(err)
	}
	sum := 0.
	for _, g := range tr.net.grads {
		sum += float64(g) * float64(g)
	}
	if norm := math.Sqrt(sum); norm > 1e-3 || norm < .99e-3 {
		t.Errorf("a gradient of norm %g after clipping to 0.001", norm)
	}
}

func TestClipValue(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 10)
	n := mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 10})
	before := append([]float32(nil), n.Params()...)
	tr := mustTrain(t, n, TrainConfig{Optimizer: optim.SGD{}, Schedule: optim.Constant{LR: 1}, ClipValue: 1e-3})
	if _, err := tr.Epoch(s); err != nil {
		t.Fatal(err)
	}
	for i, w := range n.Params() {
		if d := math.Abs(float64(w - before[i])); d > 1.001e-3 {
			t.Fatalf("weight %d moved by %g", i, d)
		}
	}
}

// A trainer refuses an optimizer or a schedule that does.
func TestTrainerValidates(t *testing.T) {
	n := mustCompile(t, Seq{Dense{Out: 2}}, data.Shape{2}, Config{})
	for _, c := range []struct {
		cfg  TrainConfig
		want string
	}{
		{TrainConfig{Optimizer: optim.SGD{Momentum: 1}}, "momentum 1"},
		{TrainConfig{Schedule: optim.CosineDecay{}}, "number of epochs"},
		{TrainConfig{Schedule: optim.CosineDecay{LR: -1}, Epochs: 3}, "learning rate -1"},
	} {
		if _, err := NewTrainer(n, c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v does not say %q", c.cfg, err, c.want)
		}
	}
}
