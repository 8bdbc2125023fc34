package engine

import (
	"math"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/optim"
)

func TestClip(t *testing.T) {
	g := []float32{3, 4}
	if norm := clip(g, 1); math.Abs(norm-5) > 1e-6 || math.Abs(float64(g[0])-.6) > 1e-6 || math.Abs(float64(g[1])-.8) > 1e-6 {
		t.Errorf("norm %g, clipped to %v", norm, g)
	}
	g = []float32{.3, .4}
	if norm := clip(g, 1); math.Abs(norm-.5) > 1e-6 || g[0] != .3 {
		t.Errorf("norm %g, changed to %v", norm, g)
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
