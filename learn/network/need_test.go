package network

import (
	"runtime"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials"
)

// A network that is planned to take more than its room is infeasible with both
// numbers, and nothing of it is allocated.
func TestNetworkThatDoesNotFit(t *testing.T) {
	s := supervised(false)
	s.Build = func(search.Params, data.Shape, int) (engine.Layer, error) {
		return engine.Seq{engine.Dense{Out: 20000}, engine.ReLU{}, engine.Dense{Out: 20000}, engine.ReLU{}, engine.Dense{Out: 2}}, nil
	}
	s.Room = Room{64 << 20, "worker w has 128 MiB by --mem, for 2 at once and their data set"}
	task := childTask(0, 2, search.Params{"batch": 8.})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := newRunner(t).Run(t.Context(), task, s.Train, nil)
	runtime.ReadMemStats(&after)
	if err != nil || r.State != search.Infeasible {
		t.Fatalf("%s, %v", r.State, err)
	}
	for _, part := range []string{"training it takes 7.46 GiB of memory (network with batches of 8 rows 5.96 GiB, best weights 1.49 GiB, data set ", "a trial here has 64 MiB (worker w has 128 MiB by --mem", "resources.mem", "--mem"} {
		if !strings.Contains(r.Reason, part) {
			t.Errorf("no %q in %q", part, r.Reason)
		}
	}
	if !OverMemory(r.Reason) {
		t.Errorf("%q does not tell of memory", r.Reason)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("%d bytes were allocated", took)
	}
}

// A trial that was trained where there was more room ends with what it has: its
// value, its weights.
func TestTrialThatComesToASmallerWorker(t *testing.T) {
	s, r := supervised(false), newRunner(t)
	params := search.Params{"lr": .02, "batch": 8.}
	task := func(from, to int) trials.Task {
		task := childTask(3, to, params)
		task.From, task.Inherit = from, false
		return task
	}
	first := runTask(t, r, task(0, 2), s.Train)
	need, err := s.Need(params, Alone)
	if err != nil {
		t.Fatal(err)
	}
	s.Room = Room{need.Total() - 1, "a smaller worker"}
	second, err := r.Run(t.Context(), task(2, 4), s.Train, nil)
	if err != nil || second.State != search.Stopped || !strings.HasPrefix(second.Reason, "not trained further: training it takes ") || second.Budget != 2 {
		t.Fatalf("%+v, %v", second, err)
	}
	if a, b := first.Final.Metrics["valid_loss"], second.Final.Metrics["valid_loss"]; a != b || a == 0 {
		t.Errorf("valid_loss %v before, %v then", a, b)
	}
	s.Room = Room{need.Total(), "a worker that is just large enough"}
	test, err := s.Test(t.Context(), r.Blobs, second.Checkpoint, params, search.Rand(7, 3).Uint64())
	if err != nil || test["test_accuracy"] < .5 {
		t.Errorf("test %v, %v", test, err)
	}
	s.Room.Bytes--
	if _, err := s.Test(t.Context(), r.Blobs, second.Checkpoint, params, 0); err == nil {
		t.Error("it was tested where it does not fit")
	}
}
