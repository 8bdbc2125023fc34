package network

import (
	"maps"
	"math/bits"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"budwood/data"
	"budwood/engine/crew"
	"budwood/search"
	"budwood/trials"
)

// meeting is rows of folds: the first fold that is read waits for a second one.
type meeting struct {
	*data.Set
	folds *atomic.Int64 // that are being read, as bits
	fold  int
}

func (m meeting) Read(x []float32, row int) {
	m.folds.Or(1 << m.fold)
	for began := time.Now(); bits.OnesCount64(uint64(m.folds.Load())) < 2 && time.Since(began) < 10*time.Second; {
		runtime.Gosched()
	}
	copy(x, m.X[row*m.Shape.Size():])
}

// Folds are trained at once where cores are idle: the numbers are the same.
func TestFoldsAtOnce(t *testing.T) {
	task := newTask(0, 3)
	task.Trial.Params = search.Params{"lr": 0.02, "batch": 8}
	task.Objectives = []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}}
	run := func(cores *crew.Pool) search.Metrics {
		s, folds := supervised(true), new(atomic.Int64)
		for i, f := range s.Data.Folds {
			if cores != nil {
				met := *f.Train
				met.Rows, met.X = meeting{f.Train, folds, i}, nil
				s.Data.Folds[i].Train = &met
			}
		}
		r := newRunner(t)
		r.Cores = cores
		began := time.Now()
		m := maps.Clone(runTask(t, r, task, s.Train).Final.Metrics)
		delete(m, trials.EnergyWh)
		if time.Since(began) > 10*time.Second {
			t.Error("one fold waited for another")
		}
		return m
	}
	alone, helped := run(nil), run(crew.New(3, nil))
	if !maps.Equal(alone, helped) || alone["valid_loss"] == 0 {
		t.Errorf("alone %v, with idle cores %v", alone, helped)
	}
}
