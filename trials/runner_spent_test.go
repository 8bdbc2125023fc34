package trials

import (
	"context"
	"errors"
	"testing"
	"time"

	"budwood/trials/energy"
	"budwood/trials/segment"
)

// What attempts before the last have spent counts, wherever they failed: before
// anything was kept, after a checkpoint of the segment, in a later segment. And
// it counts once.
func TestFailedAttemptsCount(t *testing.T) {
	r, c := testRunner(t), &counter{}
	now := time.Duration(0) // the CPU time of the process, which the meter reads
	r.Meter = energy.ByClock(energy.Power{PerCore: 1}, func() time.Duration { return now })
	failing := func(seconds, epochs int) TrainFunc { // spends, trains so many epochs, fails
		return func(ctx context.Context, t *Trial) error {
			now += time.Duration(seconds) * time.Second
			if epochs < 0 { // before it keeps anything
				return errors.New("out of memory")
			}
			if err := t.Keep(c); err != nil {
				return err
			}
			for range t.Epochs() {
				if epochs == 0 {
					return errors.New("out of memory")
				}
				epochs--
				c.N++
				t.Report(1 / float64(c.N))
			}
			return nil
		}
	}
	attempt := func(task Task, f TrainFunc) segment.Result {
		t.Helper()
		res, err := r.Run(context.Background(), task, f, nil)
		var user *ObjectiveError
		if err != nil && !errors.As(err, &user) {
			t.Fatal(err)
		}
		return res
	}
	want := func(res segment.Result, joules float64) {
		t.Helper()
		if res.Energy.Joules != joules || res.Seconds <= 0 {
			t.Errorf("%s at %d: %v J in %v s, want %v J", res.State, res.Budget, res.Energy.Joules, res.Seconds, joules)
		}
	}
	want(attempt(testTask(0, 3), failing(1, -1)), 1)
	want(attempt(testTask(0, 3), failing(2, 0)), 3) // an empty checkpoint is not loaded
	want(attempt(testTask(0, 3), failing(4, 2)), 7) // fails in its third epoch
	c.N = 0
	last := attempt(testTask(0, 3), failing(8, 9)) // goes on from the second
	if want(last, 15); c.N != 3 || last.Budget != 3 {
		t.Errorf("went on to epoch %d, counted %d", last.Budget, c.N)
	}
	want(attempt(testTask(3, 9), failing(16, 0)), 16) // of this segment alone
	last = attempt(testTask(3, 9), failing(32, 9))
	if want(last, 48); c.N != 9 {
		t.Errorf("the second segment ended at %d", c.N)
	}
	if wh := last.Final.Metrics[EnergyWh]; wh != 63./3600 {
		t.Errorf("the trial has used %v Wh, want %v", wh, 63./3600)
	}
}
