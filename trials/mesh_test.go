package trials

import (
	"context"
	"testing"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials/energy"
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
		task := testTask(0, 2)
		task.Trial.Params = search.Params{"batch": 90, "dropout": 0.1}
		task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
		r := testRunner(t)
		result := mustRun(t, r, task, s.Train)
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
	task := testTask(0, 2)
	task.Trial.Params = search.Params{"batch": 90}
	task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
	if r, err := testRunner(t).Run(context.Background(), task, s.Train, nil); err != nil || r.State != search.Infeasible {
		t.Errorf("200 shards of 90 rows: %v, %v", r.State, err)
	}
}

func TestLanesAreMetered(t *testing.T) {
	task := testTask(0, 1)
	task.Mesh = engine.Threads(3)
	r := testRunner(t)
	r.Meter = energy.NewAttributor(energy.Power{PerCore: 10, Source: "test"})
	const busy = 200 * time.Millisecond
	result := mustRun(t, r, task, func(_ context.Context, tr *Trial) error {
		m := tr.Mesh()
		if m.Threads != 3 {
			t.Errorf("the mesh of the trial is %+v", m)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.Lane(func() {
				for began := energy.ThreadTime(); energy.ThreadTime()-began < busy; {
				}
			})
		}()
		<-done
		for range tr.Epochs() {
			tr.Report(1)
		}
		return nil
	})
	if result.Energy.Method == energy.RAPL {
		t.Skip("the estimate is not used here")
	}
	if want := 10 * busy.Seconds(); result.Energy.Joules < want || result.Energy.Joules > 2*want {
		t.Errorf("%v J, the lane alone took %v", result.Energy.Joules, want)
	}
}
