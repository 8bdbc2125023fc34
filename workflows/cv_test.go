package workflows

import (
	"bytes"
	"context"
	"testing"

	"budwood/engine/data"
	"budwood/engine/onnx"
	"budwood/nas"
	"budwood/trials"
)

// A study over folds, its best trained once more, leaves one network that scores
// in the test as the study says, and that can be exported.
func TestStudyOverFolds(t *testing.T) {
	ctx := context.Background()
	spec, d, err := Load(ctx, "../examples/digits/study.yaml", &data.Cache{}, FileOptions{Override: func(s *Spec) {
		s.Name, s.Also, s.Space, s.Constraints, s.StartWith = "folds", nil, nil, nil, nil
		s.Data.Rows, s.Data.Image, s.Data.Split = 300, nil, data.Split{CV: 3, Test: 0.2}
		s.Data.Numeric = data.Robust
		s.Search = Search{Sampler: "evolution", WarmStart: "off"}
		s.Budget = Budget{Trials: 4, Epochs: 6}
		s.Retrain = Retrain{Best: 1, Epochs: 12}
		s.Architecture = &nas.Spec{Family: "tabular", Width: []int{16, 32}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, nil)
	got, err := Local(ctx, spec, b.store, b.train.Runner, nil)
	if err != nil {
		t.Fatal(err)
	}
	accuracy := got.Test["test_accuracy"]
	if len(d.Folds) != 3 || accuracy < 0.5 {
		t.Fatalf("%d folds, test %v", len(d.Folds), got.Test)
	}
	r := b.records(t, spec.Name)[got.Best]
	keys, err := b.train.Runner.Blobs.List(ctx, trials.TrialKey(spec.Name, r.ID))
	if err != nil || len(keys) != 1 {
		t.Fatalf("checkpoints %v, %v", keys, err)
	}
	net, err := spec.Trained(ctx, &data.Cache{}, b.train.Runner.Blobs, keys[0].Key, r.ID, r.Params)
	if err != nil {
		t.Fatal(err)
	}
	if score, err := net.Evaluate(d.Test); err != nil || score.Accuracy != accuracy {
		t.Errorf("the network scores %v (%v), the study says %v", score.Accuracy, err, accuracy)
	}
	var file bytes.Buffer
	if err := onnx.Write(&file, net, onnx.Options{}); err != nil || file.Len() < 4*len(net.Params()) {
		t.Errorf("export: %d bytes, %v", file.Len(), err)
	}
}
