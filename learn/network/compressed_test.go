package network

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials"
)

// planned is the objective of plans for a network of 24 inner channels.
func plannedObjective(t *testing.T) Supervised {
	t.Helper()
	s := supervised(false)
	layer := engine.Seq{engine.Dense{Out: 24}, engine.BatchNorm{}, engine.ReLU{}, engine.Dense{Out: 24}, engine.GELU{}, engine.Dense{Out: 2}}
	s.Data.ClassNames = []string{"left", "right"}
	s.Build = func(search.Params, data.Shape, int) (engine.Layer, error) { return layer, nil }
	s.Plan = &Compression{MaxDrop: .5, Clock: Clock{Watts: 10}, Source: func(_ context.Context, cpu string) (*engine.Net, error) {
		return engine.Compile(layer, data.Shape{2}, engine.Config{Batch: 30, Seed: 9, CPU: cpu})
	}}
	return s
}

func planTask(from, to int, p search.Params) trials.Task {
	task := newTask(from, to)
	task.Trial.Params = search.Params{"lr": 0.02, "batch": 10, "alpha": 0.}
	for k, v := range p {
		task.Trial.Params[k] = v
	}
	task.Objectives = []search.Objective{{Metric: PlanCost, Goal: search.Minimize}}
	return task
}

// A plan in integers is trained in float32 and judged as the integers that it is: these
// are saved, and read again with the same bits, also if the trial was paused, and on any
// instruction set.
func TestPlanInIntegers(t *testing.T) {
	s := plannedObjective(t)
	for _, p := range []search.Params{{"int8": "all"}, {"int8": "inner"}, {"int8": "all", "keep": .5}, {"int8": "all", "rank": .75, "ema": .9, "calibration": "mse"}} {
		once, twice := newRunner(t), newRunner(t)
		whole := runTask(t, once, planTask(0, 4, p), s.Train)
		runTask(t, twice, planTask(0, 2, p), s.Train)
		paused := runTask(t, twice, planTask(2, 4, p), s.Train)
		m := whole.Final.Metrics
		for _, metric := range []string{"valid_loss", "valid_accuracy", PlanCost, Drop, SizeBytes, LatencyUS} {
			if m[metric] != paused.Final.Metrics[metric] {
				t.Errorf("%v: %s is %v in one go, %v with a pause", p, metric, m[metric], paused.Final.Metrics[metric])
			}
		}
		var files []string
		for _, r := range []*trials.Runner{once, twice} {
			key := whole.Checkpoint
			if r == twice {
				key = paused.Checkpoint
			}
			net, err := s.Trained(context.Background(), r.Blobs, key, planTask(0, 4, p).Trial.Params, 1)
			if err != nil {
				t.Fatal(err)
			}
			q, ok := net.(Integers)
			if !ok || q.Products() == 0 {
				t.Fatalf("%v: the network is %T", p, net)
			}
			if want := map[string]int{"inner": 1}[p["int8"].(string)]; want > 0 && q.Products() != want {
				t.Errorf("%v: %d layers compute in integers", p, q.Products())
			}
			best := m
			if score, err := q.EvaluateTo(nil, s.Data.Valid); err != nil || score.Loss != best["valid_loss"] || score.Accuracy != best["valid_accuracy"] {
				t.Errorf("%v: the saved network scores %v (%v), judged was %v", p, score, err, best)
			}
			if size := float64(q.Size()); size != m[SizeBytes] {
				t.Errorf("%v: its file has %v bytes, told are %v", p, size, m[SizeBytes])
			}
			var file bytes.Buffer
			if err := q.Save(&file); err != nil {
				t.Fatal(err)
			}
			files = append(files, file.String())
			if said, err := s.Predict(net, s.Data.Test); p["int8"] == "all" && (err != nil || len(said) != s.Data.Test.Len()) {
				t.Errorf("%v: predictions %v, %v", p, said, err)
			}
		}
		if files[0] != files[1] {
			t.Errorf("%v: with a pause other integers are saved", p)
		}
	}
}

// What cannot be in integers is never trained.
func TestPlanWithoutIntegers(t *testing.T) {
	s := plannedObjective(t)
	s.Plan.Protect = []string{"*"}
	task := planTask(0, 2, search.Params{"int8": "all"})
	r, err := newRunner(t).Run(context.Background(), task, s.Train, nil)
	if err != nil || r.State != search.Infeasible {
		t.Errorf("%v %v, want infeasible: every layer is protected", r, err)
	}
	s.Plan.Protect = []string{"3"}
	plan, err := readPlan(task.Trial.Params, 0)
	net, e := s.Plan.Source(context.Background(), "")
	if err = errors.Join(err, e); err != nil {
		t.Fatal(err)
	}
	if keep, err := s.Plan.floats(net, plan, nil); err != nil || !slices.Equal(keep, []string{"2"}) { // once the norm is folded
		t.Errorf("in float32 stay %v, %v", keep, err)
	}
}
