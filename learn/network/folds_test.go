package network

import (
	"maps"
	"strings"
	"testing"
	"time"

	"budwood/data"
	"budwood/engine/crew"
	"budwood/search"
	"budwood/trials/segment"
)

// busily takes processor time for every row that is read.
type busily struct {
	*data.Set
	size int
}

func (s busily) Read(x []float32, row int) {
	for began := time.Now(); time.Since(began) < 20*time.Microsecond; {
	}
	copy(x, s.X[row*s.size:])
}

// Folds are trained at once where cores are idle: the numbers are the same, and the
// trial's record tells of it.
func TestFoldsAtOnce(t *testing.T) {
	task := newTask(0, 3)
	task.Trial.Params = search.Params{"lr": 0.02, "batch": 8}
	task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
	run := func(cores *crew.Pool) segment.Result {
		s := supervised(true)
		for i, f := range s.Data.Folds {
			slow := *f.Train
			slow.Rows, slow.X = busily{f.Train, 2}, nil
			s.Data.Folds[i].Train = &slow
		}
		r := newRunner(t)
		r.Cores = cores
		return runTask(t, r, task, s.Train)
	}
	alone, helped := run(nil), run(crew.New(3, nil))
	a, b := maps.Clone(alone.Final.Metrics), maps.Clone(helped.Final.Metrics)
	delete(a, "energy_wh")
	delete(b, "energy_wh")
	if !maps.Equal(a, b) || a["valid_loss"] == 0 {
		t.Errorf("alone %v, with idle cores %v", a, b)
	}
	if len(alone.Notes) > 0 || len(helped.Notes) != 1 || !strings.HasPrefix(helped.Notes[0], "idle cores: they computed for ") {
		t.Errorf("notes %q and %q", alone.Notes, helped.Notes)
	}
}
