package network

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials"
)

// supervised has three folds of rows whose class is the sign of their first value.
func supervised(cv bool) Supervised {
	r := rand.New(rand.NewPCG(1, 1))
	rows := func(n int) *data.Set {
		s := &data.Set{Shape: data.Shape{2}, Classes: 2}
		for range n {
			x, y := r.NormFloat64(), r.NormFloat64()
			s.X = append(s.X, float32(x), float32(y))
			c := int32(0)
			if x > 0 {
				c = 1
			}
			s.Class = append(s.Class, c)
		}
		return s
	}
	d := &data.Data{Task: data.Classification, Classes: 2, Train: rows(90), Valid: rows(30), Test: rows(30)}
	if cv {
		d.Valid = nil
		for k := range 3 {
			var in, out []int
			for i := range 90 {
				if i%3 == k {
					in = append(in, i)
				} else {
					out = append(out, i)
				}
			}
			d.Folds = append(d.Folds, data.Fold{Train: d.Train.Select(out), Valid: d.Train.Select(in)})
		}
	}
	return Supervised{Data: d, Build: func(search.Params, data.Shape, int) (engine.Layer, error) {
		return engine.Seq{engine.Dense{Out: 8}, engine.ReLU{}, engine.Dense{Out: 2}}, nil
	}}
}

// A trial over folds that is paused and goes on ends as one that never was, is
// scored by what its networks say of rows they have not seen, and leaves their
// mean as its network.
func TestCrossValidatedTrial(t *testing.T) {
	s := supervised(true)
	task := func(from, to int) trials.Task {
		task := newTask(from, to)
		task.Trial.Params = search.Params{"lr": 0.02, "batch": 8}
		task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
		return task
	}
	once := newRunner(t)
	whole := runTask(t, once, task(0, 4), s.Train)
	twice := newRunner(t)
	runTask(t, twice, task(0, 2), s.Train)
	paused := runTask(t, twice, task(2, 4), s.Train)
	for _, metric := range []string{"valid_loss", "valid_accuracy", "train_loss"} {
		if a, b := whole.Final.Metrics[metric], paused.Final.Metrics[metric]; a != b || a == 0 {
			t.Errorf("%s: %v in one go, %v with a pause", metric, a, b)
		}
	}
	if n := whole.Final.Metrics["params"]; n != 3*(3*8+9*2) {
		t.Errorf("%v parameters", n)
	}

	ctx, seed := context.Background(), search.Rand(7, 3).Uint64()
	net, err := s.Trained(ctx, once.Blobs, whole.Checkpoint, task(0, 4).Trial.Params, seed)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.members(task(0, 4).Trial.Params, 27, seed, nil)
	if err != nil {
		t.Fatal(err)
	}
	var score search.Metrics
	for range 4 {
		if err = m.Epoch(); err == nil {
			score, err = m.Score()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if score["valid_loss"] != whole.Final.Metrics["valid_loss"] {
		t.Errorf("valid_loss %v, want %v", whole.Final.Metrics["valid_loss"], score["valid_loss"])
	}
	x := s.Data.Test.X[:2]
	mean := [2]float64{}
	for _, tr := range m.trainers {
		var out [2]float32
		if err := tr.Net().Predict(x, out[:]); err != nil {
			t.Fatal(err)
		}
		for i, y := range out {
			mean[i] += float64(y) / 3
		}
	}
	var out [2]float32
	if err := net.Predict(x, out[:]); err != nil {
		t.Fatal(err)
	}
	for i := range out {
		if math.Abs(float64(out[i])-mean[i]) > 1e-5 { // the last epoch of four is the best here
			t.Errorf("output %d: %v, want %v", i, out[i], mean[i])
		}
	}
	if test, err := s.Test(ctx, once.Blobs, whole.Checkpoint, task(0, 4).Trial.Params, seed); err != nil || test["test_accuracy"] < .8 {
		t.Errorf("test %v, %v", test, err)
	}
}
