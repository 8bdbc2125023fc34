package network

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/mesh"
	"budwood/search"
	"budwood/trials/segment"
)

// A trial whose step is cut has the same metrics and checkpoint on one thread and on
// two, and what the second one spends is in the ledger.
func TestTrialOnAMesh(t *testing.T) {
	s := supervised(false)
	s.Build = func(search.Params, data.Shape, int) (engine.Layer, error) {
		return engine.Seq{engine.Dense{Out: 600}, engine.ReLU{}, engine.Dense{Out: 600}, engine.ReLU{}, engine.Dense{Out: 2}}, nil
	}
	run := func(threads int) (search.Metrics, string) {
		s := s
		s.Mesh = engine.Mesh{Data: 2, Threads: threads}
		task := newTask(0, 2)
		task.Trial.Params = search.Params{"batch": 90, "dropout": 0.1}
		task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
		r := newRunner(t)
		result := runTask(t, r, task, s.Train)
		need, err := s.Need(task.Trial.Params, Alone)
		if err != nil || threads == 2 && need.Networks < int64(2*4*600*600) {
			t.Errorf("planned %v, %v", need, err)
		}
		return result.Final.Metrics, result.Checkpoint
	}
	one, _ := run(1)
	two, _ := run(2)
	for _, metric := range []string{"valid_loss", "train_loss", "valid_accuracy"} {
		if one[metric] != two[metric] || one[metric] == 0 {
			t.Errorf("%s: %v on one thread, %v on two", metric, one[metric], two[metric])
		}
	}
	s.Mesh = engine.Mesh{Data: 200}
	task := newTask(0, 2)
	task.Trial.Params = search.Params{"batch": 90}
	task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
	if r, err := newRunner(t).Run(context.Background(), task, s.Train, nil); err != nil || r.State != search.Infeasible {
		t.Errorf("200 shards of 90 rows: %v, %v", r.State, err)
	}
}

// Where the worker of one rank has too little memory for a candidate, it is infeasible on all
// ranks, for the same reason in one line.
func TestUnevenMemoryOfRanks(t *testing.T) {
	lanes := mesh.Local(2)
	var results [2]segment.Result
	var errs [2]error
	var both sync.WaitGroup
	for rank, l := range lanes {
		s, r := supervised(false), newRunner(t)
		if r.Name = fmt.Sprint("host/", rank); rank == 1 {
			s.Room = Room{Bytes: 100, Of: "a worker with little"}
		}
		s.Mesh = engine.Mesh{Data: 2}
		task := newTask(0, 2)
		task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
		both.Go(func() {
			results[rank], errs[rank] = r.RunIn(t.Context(), &engine.World{Link: l, Ranks: 2}, task, s.Train, nil)
		})
	}
	both.Wait()
	for rank, r := range results {
		if want := "infeasible: rank 1 on host/1: training it takes "; errs[rank] != nil || r.State != search.Infeasible || !strings.HasPrefix(r.Reason, want) || !strings.Contains(r.Reason, "a worker with little") {
			t.Errorf("rank %d is %s: %s, %v", rank, r.State, r.Reason, errs[rank])
		}
	}
}
