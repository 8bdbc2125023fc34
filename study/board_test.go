package study

import (
	"math"
	"slices"
	"testing"

	"budwood/search"
	"budwood/trials/segment"
)

// reported is a segment's result with a loss, for the tests of the policies.
func reported(state search.State, epochs int, loss float64) *segment.Result {
	r := &segment.Result{State: state, Budget: epochs, Seconds: 2, Checkpoint: "c", Final: search.Measurement{Budget: epochs, Metrics: search.Metrics{"loss": loss}}}
	r.Energy.Joules = 5
	return r
}

// The best trial comes first, of equals the one that began first; what a trial has
// used adds up over its segments.
func TestBoardOrder(t *testing.T) {
	var b Leaderboard
	o := search.Objective{Metric: "loss"}
	if b.best() != -1 || b.Top() != nil || b.Has(0) {
		t.Error("an empty leaderboard has a best trial")
	}
	for _, c := range []struct {
		trial int
		state search.State
		loss  float64
		want  []int
	}{
		{3, search.Completed, 2, []int{3}},
		{5, search.Paused, 2, []int{3, 5}},
		{1, search.Paused, 2, []int{1, 3, 5}},
		{4, search.Paused, 1, []int{4, 1, 3, 5}},
		{6, search.Paused, 3, []int{4, 1, 3, 5, 6}},
		{4, search.Completed, 4, []int{1, 3, 5, 6, 4}},
		{6, search.Failed, 0, []int{1, 3, 5, 4}}, // its value is not to be used
	} {
		if fallen := b.add(o, search.Trial{ID: c.trial}, reported(c.state, 1, c.loss)); fallen != nil || !slices.Equal(b.order(), c.want) {
			t.Errorf("trial %d at %v: %v, want %v, and %v fell", c.trial, c.loss, b.order(), c.want, fallen)
		}
	}
	if last := b.Rows[3]; last.Joules != 10 || last.Seconds != 4 || b.Rows[0].Joules != 5 {
		t.Errorf("two segments used %v J and %v s, want 10 and 4", last.Joules, last.Seconds)
	}
	if b.Counts[search.Completed] != 2 || b.Counts[search.Failed] != 1 || b.Counts[search.Paused] != 0 {
		t.Errorf("counts %v", b.Counts)
	}
	if b.best() != 1 || b.Top() != &b.Rows[0] || !b.Has(5) || b.Has(6) {
		t.Errorf("the best is %d", b.best())
	}
	if b.add(search.Objective{Metric: "other"}, search.Trial{ID: 5}, reported(search.Paused, 1, 0)); b.Has(5) {
		t.Error("a trial without a value is on the leaderboard")
	}
}

// Of the trials that fall off, those that have ended are returned: not those that wait,
// and not the one that has just reported.
func TestBoardFallen(t *testing.T) {
	full := func(last search.State) *Leaderboard {
		b := &Leaderboard{}
		for i := range boardSize {
			b.Rows = append(b.Rows, Row{Trial: i, State: search.Completed, Value: float64(i)})
		}
		b.Rows[boardSize-1].State = last
		return b
	}
	for _, c := range []struct {
		last search.State
		loss float64
		want []int
	}{
		{search.Completed, .5, []int{boardSize - 1}},
		{search.Paused, .5, nil},
		{search.Completed, 100, nil},
	} {
		b := full(c.last)
		if got := b.add(search.Objective{Metric: "loss"}, search.Trial{ID: 50}, reported(search.Completed, 1, c.loss)); !slices.Equal(got, c.want) || len(b.Rows) != boardSize {
			t.Errorf("%+v: %v of %d rows", c, got, len(b.Rows))
		}
	}
}

// A final state, and paused again when the study goes on, is that of one trial on the
// leaderboard and on the front.
func TestBoardEndsAndRevives(t *testing.T) {
	state := func(b *Leaderboard) []search.State {
		return []search.State{b.Rows[0].State, b.Rows[1].State, b.Front[0].State, b.Front[1].State}
	}
	b := &Leaderboard{
		Rows:  []Row{{Trial: 1, State: search.Paused}, {Trial: 2, State: search.Paused}},
		Front: []FrontRow{{Trial: 1, State: search.Paused}, {Trial: 2, State: search.Paused}},
	}
	b.end([]search.Ending{{Trial: 2, State: search.Stopped}})
	if got := state(b); !slices.Equal(got, []search.State{search.Paused, search.Stopped, search.Paused, search.Stopped}) || b.Counts[search.Stopped] != 1 {
		t.Errorf("ended: %v, %v", got, b.Counts)
	}
	b.Rows[0].State, b.Front[0].State = search.Completed, search.Completed
	for range 2 { // of a trial that is not counted, nothing is taken
		b.revive([]int{2})
	}
	if got := state(b); !slices.Equal(got, []search.State{search.Completed, search.Paused, search.Completed, search.Paused}) || b.Counts[search.Stopped] != 0 {
		t.Errorf("revived: %v, %v", got, b.Counts)
	}
}

// Without the trials that are set aside the others move up; what is known of their
// checkpoints stays.
func TestBoardSetAside(t *testing.T) {
	b := &Leaderboard{
		Rows:  []Row{{Trial: 1, Checkpoint: "one"}, {Trial: 2, Checkpoint: "two"}},
		Front: []FrontRow{{Trial: 1}, {Trial: 2}},
	}
	b.setAside(&AsideResult{Trials: []int{1}, Top: []Row{{Trial: 2}, {Trial: 3, Checkpoint: "three"}}})
	if !slices.Equal(b.order(), []int{2, 3}) || b.Rows[0].Checkpoint != "two" || b.Rows[1].Checkpoint != "three" || len(b.Front) != 1 || b.Front[0].Trial != 2 {
		t.Errorf("%+v", b)
	}
	b.setAside(&AsideResult{Top: []Row{{Trial: 9, Checkpoint: "nine"}, {Trial: 2, Checkpoint: "old"}}})
	if b.Rows[0].Checkpoint != "nine" || b.Rows[1].Checkpoint != "two" {
		t.Errorf("%+v", b.Rows)
	}
}

// The time of an epoch is a mean of all segments at first, and forgets after 32.
func TestThroughput(t *testing.T) {
	var p Throughput
	p.Add(0, 100)
	p.Add(-1, 100)
	if p != (Throughput{}) {
		t.Errorf("without an epoch: %+v", p)
	}
	p.Add(2, 4)
	if p != (Throughput{Segments: 1, Epoch: 2}) {
		t.Errorf("one segment: %+v", p)
	}
	p.Add(1, 4)
	if p != (Throughput{Segments: 2, Epoch: 3}) {
		t.Errorf("two segments: %+v", p)
	}
	p = Throughput{Segments: 99}
	p.Add(1, 32)
	if p.Segments != 100 || math.Abs(p.Epoch-1) > 1e-12 {
		t.Errorf("a hundred segments: %+v", p)
	}
}
