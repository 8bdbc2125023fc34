package study

import (
	"strings"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

func TestConcluding(t *testing.T) {
	spec := &Spec{Budget: Budget{Epochs: 9}}
	row := Row{Trial: 3, State: search.Paused, Budget: 3, Joules: 30, Seconds: 6}
	done := row
	done.State = search.Completed
	running := map[int]search.Segment{3: {Trial: 3, From: 3, To: 9}, 4: {Trial: 4, From: 0, To: 1}}
	after := func(s, joules float64) reserve {
		return reserve{Joules: joules, Elapsed: time.Duration(s * float64(time.Second)), Segments: 10, Seconds: 10, Epochs: 20}
	}
	for _, c := range []struct {
		name      string
		time      time.Duration
		wh        float64
		best      Row
		spent     reserve
		scheduler string
		before    string
		want      string
	}{
		{"the best is on its way", 100 * time.Second, 0, row, after(1, 0), "asha", "as before", "as before"},
		// 9 epochs of 2 s, a tenth more, and a segment of 1 s
		{"it is done, and there is time for another", 100 * time.Second, 0, done, after(79, 0), "asha", "as before", ""},
		{"it is done, and there is no time for another", 100 * time.Second, 0, done, after(80, 0), "asha", "as before", "as before"},
		{"no limit", 0, 0, row, after(1e6, 1e6), "asha", "", ""},
		// 6 epochs of 2 s, a tenth more, and a segment of 1 s
		{"there is time", 100 * time.Second, 0, row, after(85, 0), "asha", "", ""},
		{"there is just enough", 100 * time.Second, 0, row, after(86, 0), "asha", "", "time budget of 1m40s is for training the best, t0003,"},
		{"the best is done", 100 * time.Second, 0, done, after(99, 0), "asha", "", ""},
		{"most is for the search if all would be needed", 10 * time.Second, 0, row, after(1, 0), "asha", "", ""},
		{"a share of a short time", 10 * time.Second, 0, row, after(3, 0), "asha", "", "time budget"},
		{"nothing waits", 100 * time.Second, 0, row, after(99, 0), "none", "", ""},
		// 6 epochs of 10 J, a tenth more, and one that runs at 70/20 J
		{"there is energy", 0, 140. / 3600, row, after(0, 70), "asha", "", ""},
		{"there is just enough energy", 0, 139. / 3600, row, after(0, 70), "asha", "", "energy budget of 0.03861"},
	} {
		spec.Budget.Time, spec.Budget.EnergyWh, spec.Search.Scheduler = Duration(c.time), c.wh, c.scheduler
		got := spec.concluding(&Leaderboard{Rows: []Row{c.best}}, c.spent, running, c.before)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What a cut trial was trained and has spent counts once when it goes on: the result
// is that of all its attempts at the segment.
func TestCutTrialCountsOnce(t *testing.T) {
	spec := &Spec{Name: "once", Objective: search.Objective{Metric: "loss"}, Search: Search{Scheduler: "none", Parallel: 1}, Budget: Budget{Trials: 1, Epochs: 9}}
	p := &Progress{Spec: spec, Loop: spec.newLoop(true, Rules)}
	d := p.Loop.Begin()
	take := func(state search.State, epochs int, joules, seconds float64) {
		t.Helper()
		p.Take(Outcome{Segment: d.Run[0], Result: &segment.Result{
			State: state, Budget: epochs, Energy: energy.Energy{Joules: joules}, Seconds: seconds,
			Final: search.Measurement{Budget: epochs, Metrics: search.Metrics{"loss": 1}},
		}}, time.Time{})
		row := p.Leaderboard.Rows[0]
		want := Spent{Joules: joules, Seconds: seconds, Epochs: epochs}
		if p.Spent != want || row.Joules != joules || row.Seconds != seconds {
			t.Errorf("%+v, want %+v; on the leaderboard %v J, %v s", p.Spent, want, row.Joules, row.Seconds)
		}
	}
	end := func() {
		p.Finish("the time is over", true)
	}
	end()
	take(search.Stopped, 3, 30, 3)
	for _, epochs := range []int{5, 9} {
		p.Leaderboard.revive(p.Loop.Reopen())
		d = p.Loop.Resize(1, 1)
		state := search.Completed
		if epochs < 9 {
			state = search.Stopped
		}
		end()
		take(state, epochs, 10*float64(epochs), float64(epochs))
	}
}
