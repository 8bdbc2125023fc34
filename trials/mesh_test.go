package trials

import (
	"context"
	"strings"
	"testing"
	"time"

	"budwood/engine"
	"budwood/engine/layout"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// What a lane spends is in the trial's ledger.
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

// What was chosen of a mesh is kept: a trial that goes on, here or on a machine for which
// another would be chosen, has the same pieces. Its record says what was chosen.
func TestChosenMeshIsKept(t *testing.T) {
	r := testRunner(t)
	choose := func(data int) *engine.Choice {
		m := engine.Mesh{Data: data, MicroBatches: 1, Threads: data}
		p := &engine.Prediction{Mesh: m, Lanes: data, Ranks: 1, Step: &layout.Estimate{Time: layout.Time{Step: 1}}, One: 2}
		return &engine.Choice{Best: p, Lanes: 4}
	}
	run := func(from, to, data, want int) segment.Result {
		task := testTask(from, to)
		task.Mesh = engine.MeshAuto()
		return mustRun(t, r, task, func(_ context.Context, tr *Trial) error {
			m := tr.Mesh()
			if m.Data != want || !m.Auto || m.Chosen == nil {
				t.Errorf("epoch %d: the mesh is %+v, want data %d", from, m, want)
			}
			if m.Data == 0 {
				m.Chosen(choose(data))
			} else {
				m.Chosen(choose(m.Data))
			}
			if err := tr.Keep(nothing{}); err != nil {
				return err
			}
			for range tr.Epochs() {
				tr.Report(1)
			}
			return nil
		})
	}
	first := run(0, 1, 2, 0)
	if len(first.Notes) != 1 || !strings.HasPrefix(first.Notes[0], "mesh: data 2 × micro_batches 1 on 2 threads: predicted 1 s a step, 2.00 × one lane") {
		t.Errorf("notes %q", first.Notes)
	}
	if second := run(1, 2, 4, 2); len(second.Notes) != 0 {
		t.Errorf("notes %q of what was known", second.Notes)
	}
}
