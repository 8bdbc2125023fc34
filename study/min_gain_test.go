package study

import (
	"testing"

	"budwood/search"
)

// What a trial would gain is asked for one in twenty more of a long study, once
// something is known, and of a study that has a limit.
func TestMinGainAsks(t *testing.T) {
	space := search.Space{search.Float("x", 0, 1)}
	past := make([]search.Record, 40)
	for i := range past {
		x := float64(i) / 40
		past[i] = search.Record{Trial: search.Trial{ID: i, Params: search.Params{"x": x}}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": (x - .5) * (x - .5)}}}}
	}
	for _, c := range []struct {
		first, known int
		limit        float64
		want         bool
	}{
		{40, 40, .5, true}, {5, 40, .5, true}, {60, 40, .5, true},
		{41, 40, .5, false}, {57, 40, .5, false}, {61, 40, .5, false},
		{40, 40, 0, false}, {40, 5, .5, false}, {40, 40, 1e-30, false},
	} {
		p := &proposer{spec: Spec{Budget: Budget{MinGain: c.limit}}}
		req := search.Request{Space: space, Objectives: []search.Objective{{Metric: "loss"}}, Past: past[:c.known], First: c.first, N: 1}
		if got := p.enough(req); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
