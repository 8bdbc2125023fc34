package study_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/onnx"
	"budwood/nas"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// A study over folds, its best trained once more, leaves one network that scores
// in the test as the study says, and that can be exported.
func TestStudyOverFolds(t *testing.T) {
	ctx := context.Background()
	spec, d, err := study.Load(ctx, "../examples/digits/study.yaml", &data.Cache{}, study.FileOptions{Override: func(s *study.Spec) {
		s.Name, s.Also, s.Space, s.Constraints, s.StartWith = "folds", nil, nil, nil, nil
		s.Data.Rows, s.Data.Image, s.Data.Split = 300, nil, data.Split{CV: 3, Test: 0.2}
		s.Data.Numeric = data.Robust
		s.Search = study.Search{Sampler: "evolution", WarmStart: "off"}
		s.Budget = study.Budget{Trials: 4, Epochs: 6}
		s.Retrain = study.Retrain{Best: 1, Epochs: 12}
		s.Architecture = &nas.Spec{Family: "tabular", Width: []int{16, 32}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	b := studytest.New(t, nil)
	got, err := study.Local(ctx, spec, b.Recorder, b.Runner, nil)
	if err != nil {
		t.Fatal(err)
	}
	accuracy := got.Test["test_accuracy"]
	if len(d.Folds) != 3 || accuracy < 0.5 {
		t.Fatalf("%d folds, test %v", len(d.Folds), got.Test)
	}
	r := b.Records(t, spec.Name)[got.Best]
	keys, err := b.Runner.Blobs.List(ctx, trials.TrialKey(spec.Name, r.ID))
	if err != nil || len(keys) != 1 {
		t.Fatalf("checkpoints %v, %v", keys, err)
	}
	of, err := spec.Trained(ctx, &data.Cache{}, b.Runner.Blobs, keys[0].Key, r.ID, r.Params)
	if err != nil {
		t.Fatal(err)
	}
	net := of.(*engine.Net)
	if score, err := net.Evaluate(d.Test); err != nil || score.Accuracy != accuracy {
		t.Errorf("the network scores %v (%v), the study says %v", score.Accuracy, err, accuracy)
	}
	var file bytes.Buffer
	if err := onnx.Write(&file, net, onnx.Options{}); err != nil || file.Len() < 4*len(net.Params()) {
		t.Errorf("export: %d bytes, %v", file.Len(), err)
	}
}

// Every kind of data can be evaluated over folds, and what is trained is one network.
func TestFoldsOfEveryKindOfData(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pixels, labels := []byte{0, 0, 8, 3, 0, 0, 0, 60, 0, 0, 0, 4, 0, 0, 0, 4}, []byte{0, 0, 8, 1, 0, 0, 0, 60}
	for i := range 60 {
		for k := range 16 {
			pixels = append(pixels, byte(i%2*100+k+i))
		}
		labels = append(labels, byte(i%2))
	}
	for name, src := range map[string]data.Source{
		"idx":  {IDX: &data.IDX{Images: write("x", pixels), Labels: write("y", labels)}, Split: data.Split{CV: 3}},
		"text": {Text: &data.Text{File: write("t", []byte(strings.Repeat("the quick brown fox. ", 40))), Steps: 8}, Split: data.Split{CV: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := &study.Spec{Name: name, Data: &src, Search: study.Search{Sampler: "random", Scheduler: "none", WarmStart: "off"}, Budget: study.Budget{Trials: 2, Epochs: 2},
				Train: search.Params{"width": 8, "layers": 1}, Space: search.Space{search.LogFloat("lr", .001, .01)}}
			if err := spec.Complete(); err != nil {
				t.Fatal(err)
			}
			if _, err := spec.Probe(t.Context(), &data.Cache{}); err != nil {
				t.Fatal(err)
			}
			b := studytest.New(t, nil)
			got, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil)
			if err != nil || got.Best < 0 {
				t.Fatalf("%+v, %v", got, err)
			}
			r := b.Records(t, spec.Name)[got.Best]
			net, err := spec.Trained(t.Context(), &data.Cache{}, b.Runner.Blobs, trials.EndKey(spec.Name, r.ID, 2), r.ID, r.Params)
			if err != nil {
				t.Fatal(err)
			}
			m, _ := r.Last()
			if n := len(net.(*engine.Net).Params()); float64(n) != m.Metrics["params"] {
				t.Errorf("the network has %d parameters, the trial said %v", n, m.Metrics["params"])
			}
		})
	}
}

// Limits with cross-validation are for what is exported, the mean of the networks of all folds.
func TestLimitsBoundAllFoldsTogether(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	load := func(limits nas.Limits, cv int) (*study.Spec, error) {
		spec, _, err := study.Load(t.Context(), "../examples/digits/nas.yaml", &data.Cache{}, study.FileOptions{Override: func(s *study.Spec) {
			s.Name, s.Data.Rows, s.Data.Image, s.Space = "limited", 200, nil, nil
			s.Data.Split = data.Split{CV: cv}
			s.Search = study.Search{Sampler: "random", Scheduler: "none", WarmStart: "off"}
			s.Budget = study.Budget{Trials: 6, Epochs: 1}
			s.Architecture = &nas.Spec{Family: "mlp", Depth: []int{1}, Width: []int{4, 64}, Limits: limits}
		}})
		return spec, err
	}
	const params = 4000 // one network of 64·w + w + 10·w + 10 may have a width of 53, five together may have 10
	for limit, limits := range map[float64]nas.Limits{params: {Params: params}, 3700: {MACs: 3700}} {
		spec, err := load(limits, 5)
		if err != nil {
			t.Fatal(err)
		}
		b := studytest.New(t, nil)
		got, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil)
		if err != nil || got.Best < 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, r := range b.Records(t, spec.Name) {
			m, _ := r.Last()
			if x := m.Metrics[map[bool]string{true: "params", false: "macs"}[limits.Params > 0]]; r.State != search.Completed || x > limit || x < 5*4*74 {
				t.Errorf("%s is %s (%s) with %v of %v", r.Name(), r.State, r.Reason, x, limit)
			}
		}
	}
	for _, l := range []nas.Limits{{Params: 1000}, {MACs: 1000}, {Memory: 20000}, {Inference: 15000}, {Joules: .5}} {
		if _, err := load(l, 0); err != nil {
			t.Errorf("one network within %+v: %v", l, err)
		}
		if _, err := load(l, 5); err == nil || !strings.Contains(err.Error(), "in 5 folds together is over the limit") {
			t.Errorf("five networks within %+v: %v", l, err)
		}
	}
}

// A study whose limits bounded one network of five does not go on as if they had bounded all.
func TestOlderLimitsStay(t *testing.T) {
	spec := &study.Spec{Name: "older", Data: &data.Source{CSV: "x.csv", Target: "y", Split: data.Split{CV: 5}}, Architecture: &nas.Spec{Family: "mlp", Limits: nas.Limits{Params: 9000}}}
	if err := spec.Complete(); err != nil {
		t.Fatal(err)
	}
	older := *spec
	a := *spec.Architecture
	a.Folds, older.Architecture = 0, &a
	b, err := json.Marshal(older)
	if err != nil {
		t.Fatal(err)
	}
	if err := study.CanContinue(b, spec); err == nil || !strings.Contains(err.Error(), "its limits are for the network of one fold") {
		t.Error(err)
	}
}
