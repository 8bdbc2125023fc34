package network

import (
	"context"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

func newTask(from, to int) trials.Task {
	return trials.Task{
		Study: "s", Trial: search.Trial{ID: 3, Params: search.Params{"x": 1.}}, Seed: 7, From: from, To: to, Total: 27,
		Objectives: []search.Objective{{Metric: "loss", Goal: search.Minimize}},
	}
}

func newRunner(t *testing.T) *trials.Runner {
	t.Helper()
	return &trials.Runner{Blobs: blob.Dir(t.TempDir()), Meter: energy.NewAttributor(energy.Power{}), Every: time.Nanosecond}
}

func runTask(t *testing.T, r *trials.Runner, task trials.Task, f trials.TrainFunc) segment.Result {
	t.Helper()
	res, err := r.Run(context.Background(), task, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
