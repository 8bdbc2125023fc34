package study_test

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/learn/network"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// A compression is a study of plans: the original is the first, what misses the target is not
// trained, each plan is compared with the original, and the best is a network like any
// other. Run in two parts it comes to the same.
func TestCompression(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	ctx := context.Background()
	source := func(b *studytest.Bench) {
		t.Helper()
		s := taught(t, "big", "", func(s *study.Spec) {
			s.Space, s.Train = search.Space{search.LogFloat("lr", .005, .01)}, search.Params{"width": 64}
			s.Data.Rows, s.Data.Split = 300, data.Split{Valid: .2, Test: .2}
			s.Objective = search.Objective{Metric: "valid_accuracy"}
			s.Budget = study.Budget{Trials: 1, Epochs: 6}
		})
		if _, err := study.Local(ctx, s, b.Recorder, b.Runner, nil); err != nil {
			t.Fatal(err)
		}
	}
	run := func(b *studytest.Bench, plans int) (*study.Spec, study.Result) {
		t.Helper()
		s, err := study.Compression(ctx, b.Recorder.Store, study.CompressOptions{
			From: "big", Target: map[string]float64{"macs": 1.5}, MaxDrop: .05, Trials: plans, Epochs: 2, Parallel: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := study.Local(ctx, s, b.Recorder, b.Runner, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s, r
	}
	b := studytest.New(t, nil)
	source(b)
	inIntegers(t, b)
	s, got := run(b, 12)
	all := b.Records(t, "big-c")
	if len(all) != 12 {
		t.Fatalf("%d plans, want 12", len(all))
	}
	first, _ := all[0].Last()
	if m := first.Metrics; m[network.PlanCost] != 1 || m[network.Drop] != 0 || m[network.Agrees] != 1 {
		t.Errorf("the network as it is: %v", m)
	}
	if all[3].State != search.Infeasible { // 75 % of the MACs are no 1.5 times less
		t.Errorf("%s is %s: %s", all[3].Name(), all[3].State, all[3].Reason)
	}
	best := all[got.Best]
	m, _ := best.Last()
	if got.Best == 0 || first.Metrics["macs"] < 1.5*m.Metrics["macs"] || m.Metrics[network.Drop] > .05 || m.Metrics[network.SizeBytes] >= first.Metrics[network.SizeBytes] {
		t.Errorf("chosen is %s: %v", best.Name(), m.Metrics)
	}
	for _, k := range []string{"test_accuracy", "test_drop", "measured_speedup_1", "measured_speedup_64", best.Name() + "_measured_speedup_64"} {
		if _, ok := got.Test[k]; !ok {
			t.Errorf("the test does not tell %s: %v", k, got.Test)
		}
	}
	measured := 0
	for k := range got.Test {
		if strings.HasSuffix(k, "_measured_speedup_64") {
			measured++
		}
	}
	if measured < 2 { // the choice and others of the front
		t.Errorf("%d plans were measured at the end: %v", measured, got.Test)
	}
	keys, err := b.Runner.Blobs.List(ctx, trials.TrialKey("big-c", best.ID))
	if err != nil || len(keys) != 1 {
		t.Fatalf("checkpoints %v, %v", keys, err)
	}
	s.Teacher = stored(t, b, "big-c").Teacher
	d, net, err := s.TrainedOn(ctx, b.Recorder.Data, b.Runner.Blobs, keys[0].Key, best.ID, best.Params)
	if err != nil {
		t.Fatal(err)
	}
	of, ok := net.(*engine.Net)
	if ints, is := net.(network.Integers); is {
		of, ok = ints.Of, best.Params["int8"] != "no"
	}
	if !ok || of == nil || float64(of.Cost().MACs) != m.Metrics["macs"] {
		t.Errorf("the chosen network %T is not that of its plan %v", net, m.Metrics)
	}
	if score, err := net.EvaluateTo(nil, d.Test); err != nil || score.Accuracy != got.Test["test_accuracy"] {
		t.Errorf("the network scores %v (%v), the study says %v", score.Accuracy, err, got.Test)
	}
	if testing.Short() {
		return
	}
	parts := studytest.New(t, nil)
	source(parts)
	run(parts, 9)
	run(parts, 12)
	for i, r := range parts.Records(t, "big-c") {
		if !reflect.DeepEqual(r.Params, all[i].Params) || !reflect.DeepEqual(r.Measurements, all[i].Measurements) {
			t.Errorf("in two parts %s is\n%v %v, in one\n%v %v", r.Name(), r.Params, r.Measurements, all[i].Params, all[i].Measurements)
		}
	}
}

// inIntegers compresses the study big to a third of its size: integers alone reach that, and
// those that were judged are the network.
func inIntegers(t *testing.T, b *studytest.Bench) {
	t.Helper()
	ctx := context.Background()
	s, err := study.Compression(ctx, b.Recorder.Store, study.CompressOptions{
		Name: "ints", From: "big", Target: map[string]float64{"size": 3}, MaxDrop: .05, Trials: 3, Epochs: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := study.Local(ctx, s, b.Recorder, b.Runner, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := b.Records(t, "ints")
	first, _ := all[0].Last()
	best := all[got.Best]
	m, _ := best.Last()
	if best.Params["int8"] == "no" || first.Metrics[network.SizeBytes] < 3*m.Metrics[network.SizeBytes] || first.Metrics["params"] != m.Metrics["params"] {
		t.Fatalf("chosen is %s: %v", study.DescribePlan(best.Params), m.Metrics)
	}
	keys, err := b.Runner.Blobs.List(ctx, trials.TrialKey("ints", best.ID))
	if err != nil || len(keys) != 1 {
		t.Fatalf("checkpoints %v, %v", keys, err)
	}
	s.Teacher = stored(t, b, "ints").Teacher
	d, net, err := s.TrainedOn(ctx, b.Recorder.Data, b.Runner.Blobs, keys[0].Key, best.ID, best.Params)
	if err != nil {
		t.Fatal(err)
	}
	q, ok := net.(network.Integers)
	if !ok || float64(q.Size()) != m.Metrics[network.SizeBytes] {
		t.Fatalf("the chosen network is %T", net)
	}
	for set, want := range map[*data.Set]float64{d.Valid: m.Metrics["valid_accuracy"], d.Test: got.Test["test_accuracy"]} {
		if score, err := q.EvaluateTo(nil, set); err != nil || score.Accuracy != want {
			t.Errorf("the integers score %v (%v), the study says %v", score.Accuracy, err, want)
		}
	}
}

// stored is a study as the store has it.
func stored(t *testing.T, b *studytest.Bench, name string) *study.Spec {
	t.Helper()
	row, err := b.Recorder.Store.Study(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	s := &study.Spec{}
	if err := json.Unmarshal(row.Spec, s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCompressMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"size": "write one like size=4x", "size=0.5x": "above 1x", "sise=2x": "did you mean \"size\"?", "latency=2x,macs=": "write one like",
	} {
		if err := study.ParseTarget(text, map[string]float64{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", text, err, want)
		}
	}
	got := map[string]float64{}
	if err := study.ParseTarget("size=4x, latency=1.5", got); err != nil || got["size"] != 4 || got["latency"] != 1.5 {
		t.Errorf("targets %v, %v", got, err)
	}
	if x, err := study.ParseDrop("0.5%"); err != nil || x != .005 {
		t.Errorf("0.5%% is %v, %v", x, err)
	}
	if _, err := study.ParseDrop("two"); err == nil {
		t.Error("two is a share")
	}
}

// What it costs to use a network is told by the trials of a study that asks for it, the same each time.
func TestCostsAreObjectives(t *testing.T) {
	ctx := context.Background()
	b := studytest.New(t, nil)
	s := studytest.Digits(t, "costs", func(s *study.Spec) {
		s.Budget.Trials, s.Search.Sampler = 2, "nsga2"
		s.Also = []search.Objective{{Metric: network.LatencyUS}, {Metric: network.InferenceMWh}, {Metric: network.SizeBytes}}
	})
	if _, err := study.Local(ctx, s, b.Recorder, b.Runner, nil); err != nil {
		t.Fatal(err)
	}
	var of []search.Metrics
	for _, r := range b.Records(t, "costs") {
		m, _ := r.Last()
		of = append(of, m.Metrics)
		if size := m.Metrics[network.SizeBytes]; size < 4*m.Metrics["params"] || size > 4*m.Metrics["params"]+4096 {
			t.Errorf("%s has %v parameters in %v bytes", r.Name(), m.Metrics["params"], size)
		}
		if us, mwh := m.Metrics[network.LatencyUS], m.Metrics[network.InferenceMWh]; !(us > 0) || math.Abs(mwh/(us*1e-3*12/3.6)-1) > 1e-9 {
			t.Errorf("%s takes %v µs a row and %v mWh for 1000 rows at 12 W", r.Name(), us, mwh)
		}
	}
	if len(of) != 2 || (of[0]["macs"] < of[1]["macs"]) != (of[0][network.LatencyUS] < of[1][network.LatencyUS]) {
		t.Errorf("costs %v", of)
	}
	if clock := stored(t, b, "costs").Clock; clock == nil || clock.Watts != 12 {
		t.Errorf("the study does not keep what its costs are predicted with: %v", clock)
	}
}
