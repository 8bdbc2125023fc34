package engine_test

import (
	"path/filepath"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine"
)

// Rows that lie in a file give the same network, bit for bit, and the same scores
// as rows in memory.
func TestSharedRows(t *testing.T) {
	s := data.Source{CSV: "../examples/digits/digits.csv.gz", Target: "digit", Image: data.Shape{8, 8, 1}, Split: data.Split{Valid: .2, Test: .2}}
	s, err := s.WithDigests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	alone, err := data.Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	cache := data.Cache{Shared: &data.Shared{Dir: filepath.Join(t.TempDir(), "d"), Log: func(text string) { t.Error(text) }}}
	shared, err := cache.Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if shared.Train.Rows == nil {
		t.Fatal("the rows are not shared")
	}
	train := func(d *data.Data) (params, outputs []float32, score engine.Score) {
		net, err := engine.Compile(engine.Seq{engine.Dense{Out: 16}, engine.ReLU{}, engine.Dense{Out: 10}}, d.Train.Shape, engine.Config{Batch: 64, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		tr, err := engine.NewTrainer(net, engine.TrainConfig{Epochs: 1, Augment: data.Augmentation{Crop: 1}, Mixup: .2, Prefetch: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tr.Epoch(d.Train); err != nil {
			t.Fatal(err)
		}
		outputs = make([]float32, d.Valid.Len()*net.Out().Size())
		score, err = net.EvaluateTo(outputs, d.Valid)
		if err != nil {
			t.Fatal(err)
		}
		return net.Params(), outputs, score
	}
	p, y, a := train(alone)
	q, z, b := train(shared)
	if !slices.Equal(p, q) || !slices.Equal(y, z) || a != b {
		t.Errorf("scores %+v in memory, %+v shared", a, b)
	}
}
