package study

import (
	"slices"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// A study ends once; budgets do not end the training that follows the search, and the
// user does.
func TestFinish(t *testing.T) {
	for _, c := range []struct {
		finished, final, user, now, stopping bool
		closing                              string
		want                                 bool // stopping
	}{
		{now: true, closing: "why", want: true},
		{closing: "why"},
		{stopping: true, closing: "why", want: true},
		{final: true, now: true},
		{final: true, user: true, now: true, closing: "why", want: true},
		{finished: true, user: true, now: true},
	} {
		p := policed(nil)
		p.Loop.Begin()
		p.Loop.Finished, p.Loop.Final, p.ByUser, p.Stopping = c.finished, c.final, c.user, c.stopping
		if p.Finish("why", c.now); p.Loop.Closing != c.closing || p.Stopping != c.want {
			t.Errorf("%+v: %q, %v", c, p.Loop.Closing, p.Stopping)
		}
	}
}

// Ten failures without a value, or as many as the study allows, are too many.
func TestFailingAtTheLimit(t *testing.T) {
	for _, c := range []struct {
		failed, limit, rows int
		state               search.State
		want                bool
	}{
		{9, 0, 0, search.Failed, false}, {10, 0, 0, search.Failed, true}, {10, 0, 1, search.Failed, false},
		{10, 0, 0, search.Stopped, false}, {1, 2, 0, search.Failed, false}, {2, 2, 1, search.Failed, true}, {3, 2, 1, search.Failed, true},
		{10, 11, 0, search.Failed, false},
	} {
		s := &Spec{MaxFailed: c.limit}
		b := &Leaderboard{Counts: map[search.State]int{search.Failed: c.failed}, Rows: make([]Row, c.rows)}
		if got := s.failing(b, search.Trial{}, &segment.Result{State: c.state}); (got != "") != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// A budget is spent at its end, and none is never.
func TestOverspentAtTheLimit(t *testing.T) {
	p := policed(nil)
	p.Spent.Joules = 1e9
	if got := p.overspent(p.Began.Add(time.Hour)); got != "" {
		t.Errorf("without a budget: %q", got)
	}
}

// A study's result tells who ended it, why, and its best trial.
func TestResult(t *testing.T) {
	p := policed(nil)
	p.Leaderboard.Rows = []Row{{Trial: 7}}
	p.Loop.Settling = "soon"
	if got := p.Result(); got.Study != "s" || got.State != store.StudyCompleted || got.Reason != "soon" || got.Best != 7 {
		t.Errorf("%+v", got)
	}
	p.ByUser, p.Loop.Closing = true, "now"
	got := p.Result()
	if got.State != store.StudyStopped || got.Reason != "now" {
		t.Errorf("%+v", got)
	}
	got.Untested("no data")
	if got.Unswept("no disk"); got.Reason != "now; the best trial could not be tested: no data; checkpoints could not be removed: no disk" {
		t.Errorf("%q", got.Reason)
	}
	if JoinReasons("", "b") != "b" {
		t.Error("a reason before which there is none")
	}
}

// The checkpoints of the best, of what was cut, and of the paused trials that go on stay.
func TestKeep(t *testing.T) {
	p := policed(func(s *Spec) { s.Keep = 2 })
	p.Leaderboard.Rows = []Row{{Trial: 1, Checkpoint: "one"}, {Trial: 2}, {Trial: 3, Checkpoint: "three"}, {Trial: 4, Checkpoint: "four"}, {Trial: 5, Checkpoint: "five"}, {Trial: 6}}
	p.Loop.Paused = map[int]int{3: 1, 4: 1, 6: 1}
	p.Loop.Halted = map[int]bool{4: true}
	p.Loop.Cut = []search.Segment{{Trial: 8, From: 1, To: 3}}
	want := []string{"one", trials.EndKey("s", 8, 1), trials.EndKey("s", 8, 3), "three"}
	if got := p.Keep(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The front keeps its checkpoints, each once; what was judged with shared weights only
// if nothing was trained by itself.
func TestKeepFront(t *testing.T) {
	row := func(trial int, a, b float64, shared bool) FrontRow {
		return FrontRow{Trial: trial, State: search.Completed, Losses: []float64{a, b}, Shared: shared, Checkpoint: search.TrialName(trial)}
	}
	b := Leaderboard{Rows: []Row{{Trial: 1, Checkpoint: "t0001"}}, Front: []FrontRow{row(1, 1, 3, true), row(2, 2, 2, true)}}
	if got := b.keeps(1); !slices.Equal(got, []string{"t0001", "t0002"}) {
		t.Errorf("shared: %v", got)
	}
	b.Front = append(b.Front, row(3, 3, 1, false))
	if got := b.keeps(0); !slices.Equal(got, []string{"t0003"}) {
		t.Errorf("one by itself: %v", got)
	}
}

// A trial that has ended beats what it dominates and what cannot go further.
func TestBeats(t *testing.T) {
	row := func(state search.State, budget int, shared bool, loss float64) FrontRow {
		return FrontRow{State: state, Budget: budget, Shared: shared, Losses: []float64{loss, 0}}
	}
	for i, c := range []struct {
		a, b FrontRow
		want bool
	}{
		{row(search.Completed, 1, false, 1), row(search.Completed, 9, false, 2), true},
		{row(search.Completed, 1, false, 2), row(search.Completed, 9, false, 2), false},
		{row(search.Completed, 1, false, 1), row(search.Completed, 9, true, 2), false},
		{row(search.Paused, 9, false, 1), row(search.Paused, 1, false, 2), false},
		{row(search.Stopped, 3, false, 1), row(search.Stopped, 3, false, 2), true},
		{row(search.Stopped, 2, false, 1), row(search.Stopped, 3, false, 2), false},
		{row(search.Stopped, 9, false, 1), row(search.Completed, 3, false, 2), false},
	} {
		if got := c.a.beats(&c.b); got != c.want {
			t.Errorf("%d: %v", i, got)
		}
	}
	for _, c := range []struct {
		state  search.State
		budget int
		want   bool
	}{{search.Completed, 1, true}, {search.Stopped, 2, false}, {search.Stopped, 3, true}} {
		if a := row(c.state, c.budget, false, 0); a.compared(3) != c.want {
			t.Errorf("%+v: %v", c, !c.want)
		}
	}
}
