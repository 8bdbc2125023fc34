package study

import (
	"slices"
	"testing"

	"budwood/search"
	"budwood/trials/segment"
)

// A trial stands on the front with its last result, if it has one and weights; what it
// beats, and what ended before it, is returned.
func TestFrontTakesResults(t *testing.T) {
	objectives := []search.Objective{{Metric: "a"}, {Metric: "b"}}
	var b Leaderboard
	add := func(trial int, state search.State, epochs int, a, c float64, checkpoint string) []int {
		m := search.Measurement{Budget: epochs, Metrics: search.Metrics{"a": a, "b": c}}
		return b.addToFront(objectives, search.Trial{ID: trial}, &segment.Result{State: state, Budget: epochs, Final: m, Checkpoint: checkpoint}, false)
	}
	for i, c := range []struct {
		trial      int
		state      search.State
		epochs     int
		a, b       float64
		checkpoint string
		fallen     []int
		front      []int
	}{
		{1, search.Paused, 1, 5, 5, "x", nil, []int{1}},
		{1, search.Paused, 2, 4, 6, "x", nil, []int{1}},
		{2, search.Stopped, 2, 3, 8, "", nil, []int{1}}, // without weights
		{3, search.Stopped, 2, 3, 7, "x", nil, []int{3, 1}},
		{4, search.Stopped, 2, 9, 9, "x", nil, []int{3, 1}}, // it reports, and is not returned
		{5, search.Stopped, 3, 2, 8, "x", []int{3}, []int{5}},
		{6, search.Stopped, 2, 1, 1, "x", nil, []int{5}}, // it ended before
		{7, search.Completed, 4, 2, 7, "x", []int{5}, []int{7}},
		{8, search.Completed, 4, 1, 9, "x", nil, []int{8, 7}},
		{8, search.Failed, 4, 1, 9, "x", nil, []int{7}},
	} {
		fallen := add(c.trial, c.state, c.epochs, c.a, c.b, c.checkpoint)
		var front []int
		for _, r := range b.Front {
			front = append(front, r.Trial)
		}
		if !slices.Equal(fallen, c.fallen) || !slices.Equal(front, c.front) {
			t.Errorf("%d: %v, want %v; %v fell, want %v", i, front, c.front, fallen, c.fallen)
		}
	}
}

// Of a front that is too long the last fall, and those that have ended are returned.
func TestLongFrontFallen(t *testing.T) {
	for _, c := range []struct {
		state    search.State
		reported int
		want     []int
	}{{search.Stopped, -1, []int{mostKept}}, {search.Stopped, mostKept, nil}, {search.Paused, -1, nil}} {
		b := &Leaderboard{}
		for i := range mostKept + 1 {
			b.Front = append(b.Front, FrontRow{Trial: i, State: search.Paused, Losses: []float64{float64(i), -float64(i)}})
		}
		b.Front[mostKept].State = c.state
		if got := b.prune(c.reported); !slices.Equal(got, c.want) || len(b.Front) != mostKept {
			t.Errorf("%+v: %v of %d", c, got, len(b.Front))
		}
	}
}

// When the study ends, what is beaten by then does not stay.
func TestKeepNotBeaten(t *testing.T) {
	b := Leaderboard{Front: []FrontRow{
		{Trial: 0, State: search.Stopped, Budget: 1, Losses: []float64{1, 1}, Checkpoint: "zero"},
		{Trial: 1, State: search.Stopped, Budget: 1, Losses: []float64{2, 2}, Checkpoint: "one"},
	}}
	if got := b.keeps(0); !slices.Equal(got, []string{"zero"}) {
		t.Errorf("%v", got)
	}
}
