package trials

import (
	"context"
	"testing"
	"time"

	"budwood/engine"
	"budwood/trials/energy"
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
