package study

import (
	"testing"

	"budwood/search"
	"budwood/trials"
)

// What is recalled of a trial's segments adds up to the trial's energy.
func TestRecallCountsEnergyOnce(t *testing.T) {
	m := func(budget int, wh float64) search.Measurement {
		return search.Measurement{Budget: budget, Metrics: search.Metrics{trials.EnergyWh: wh}}
	}
	rec := search.Record{State: search.Completed, Joules: 9 * 3600, Measurements: []search.Measurement{m(1, 1), m(3, 4), m(7, 9)}}
	sum := 0.
	for _, seg := range []search.Segment{{From: 0, To: 1}, {From: 1, To: 3}, {From: 3, To: 9}} {
		r, ok := recalled("s", rec, seg)
		if !ok {
			t.Errorf("segment %d→%d is not recalled", seg.From, seg.To)
		}
		sum += r.Energy.Joules
	}
	if sum != 9*3600 {
		t.Errorf("the segments come to %v Wh, the trial used 9", sum/3600)
	}
}
