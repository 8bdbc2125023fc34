package trials

import (
	"context"
	"strings"
	"testing"
	"time"

	"budwood/engine/crew"
	"budwood/trials/energy"
)

// What idle cores compute for a trial is in its ledger, and its record tells of it.
func TestIdleCoresAreMetered(t *testing.T) {
	r := testRunner(t)
	r.Cores = crew.New(2, nil)
	r.Meter = energy.NewAttributor(energy.Power{PerCore: 10, Source: "test"})
	const busy = 100 * time.Millisecond
	result := mustRun(t, r, testTask(0, 1), func(_ context.Context, tr *Trial) error {
		came := make(chan struct{})
		tr.Mesh().Idle.Each(2, 1, func(_, who int) {
			if who == 0 {
				<-came
				return
			}
			close(came)
			for began := energy.ThreadTime(); energy.ThreadTime()-began < busy; {
			}
		})
		for range tr.Epochs() {
			tr.Report(1)
		}
		return nil
	})
	if len(result.Notes) != 1 || !strings.HasPrefix(result.Notes[0], "idle cores: they computed for 0.") {
		t.Errorf("notes %q", result.Notes)
	}
	if !r.Cores.Idle() {
		t.Error("the trial's core is still taken")
	}
	if result.Energy.Method == energy.RAPL {
		t.Skip("the estimate is not used here")
	}
	if want := 10 * busy.Seconds(); result.Energy.Joules < want || result.Energy.Joules > 3*want {
		t.Errorf("%v J, the helper alone took %v", result.Energy.Joules, want)
	}
}
