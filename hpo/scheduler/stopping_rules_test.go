package scheduler

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"budwood/search"
)

// With fewer than five peers nobody is stopped; then whoever is worse than the
// median of those before it is, and who equals it is not.
func TestMedianStopping5(t *testing.T) {
	m := &MedianStopping{Max: 8}
	m.Step(search.Free{Slots: 20, New: 20})
	for trial, v := range []float64{.1, .9, .3, .7, .5} {
		if got := m.Step(value(trial, 1, v)); got != nil {
			t.Fatalf("t%d: %v", trial, got)
		}
	}
	for _, c := range []struct {
		trial int
		v     float64
		want  string
	}{
		{5, .50001, "rung 1: 0.50001 > median 0.5 of 5 peers"},
		{6, .5, ""}, // of six: .5 and .50001: the worse of the two middle ones
		{7, .51, "rung 1: 0.51 > median 0.5 of 7 peers"},
	} {
		got := reasons(m.Step(value(c.trial, 1, c.v)))
		if got[c.trial] != c.want {
			t.Errorf("t%d: %q, want %q", c.trial, got[c.trial], c.want)
		}
	}
	if got := m.Step(search.Reported{Trial: 8, Budget: 1, Values: []float64{math.NaN()}}); reasons(got)[8] != "rung 1: the value is not finite" || m.Rungs[0].Diverged != 1 {
		t.Errorf("%v", got)
	}
	if got := m.Step(value(0, 8, .9)); !reflect.DeepEqual(got, []search.Action{search.Stop{Trial: 0, Completed: true, Reason: "trained to the full budget of 8"}}) {
		t.Errorf("%v", got)
	}
	if p := m.Rungs[3].Peers[0]; !p.Done || p.Waiting {
		t.Errorf("%+v", p)
	}
	for _, p := range m.Rungs[0].Peers {
		if stopped := p.Trial == 5 || p.Trial == 7; p.Waiting == stopped || p.Done {
			t.Errorf("%+v", p)
		}
	}
	if got := reasons(m.Step(search.Closed{})); got[6] != "rung 1: 0.5 is 4th of 9, but the study ended" || len(got) != 6 {
		t.Errorf("%v", got)
	}
	// Another number of peers, and the other goal.
	m = &MedianStopping{Max: 8, Peers: 1, Goal: search.Maximize}
	m.Step(search.Free{Slots: 9, New: 9})
	m.Step(value(0, 1, .5))
	if got := reasons(m.Step(value(1, 1, .4))); got[1] != "rung 1: 0.4 < median 0.5 of 1 peers" {
		t.Errorf("%v", got)
	}
	if got := m.Step(value(2, 1, .6)); got != nil {
		t.Errorf("%v", got)
	}
}

// If half of the peers diverged and more, the median is not known.
func TestMedianOfTheDiverged(t *testing.T) {
	m := &MedianStopping{Max: 8, Peers: 2}
	m.Step(search.Free{Slots: 20, New: 20})
	m.Step(search.Ended{Trial: 0, Budget: 1, State: search.Diverged})
	m.Step(search.Ended{Trial: 1, Budget: 1, State: search.Diverged})
	m.Step(search.Ended{Trial: 2, Budget: 1, State: search.Failed})
	if m.Rungs[0].Diverged != 2 {
		t.Errorf("%+v", m.Rungs[0])
	}
	if got := m.Step(value(3, 1, .5)); got != nil {
		t.Errorf("%v", got)
	}
	if got := m.Step(value(4, 1, .9)); got != nil { // of three, the middle one diverged
		t.Errorf("%v", got)
	}
	if got := m.Step(value(5, 1, .95)); got != nil { // of four, the worse middle one diverged
		t.Errorf("%v", got)
	}
	if got := reasons(m.Step(value(6, 1, .99))); got[6] != "rung 1: 0.99 > median 0.95 of 5 peers" {
		t.Errorf("%v", got)
	}
}

// A trial that ended by itself is a peer in the rungs above as long as its value is
// no worse than their median.
func TestMedianStoppingWithEarlyEnds(t *testing.T) {
	m := &MedianStopping{Max: 4, Peers: 1}
	m.Step(search.Free{Slots: 9, New: 9})
	m.Step(value(0, 1, .5))
	m.Step(value(0, 2, .4))
	m.Step(search.Ended{Trial: 1, Budget: 1, State: search.Completed, Values: []float64{.45}})
	if !m.Rungs[0].has(1) || !m.Rungs[1].has(1) || m.Rungs[2].has(1) {
		t.Errorf("%+v", m.Rungs)
	}
	if p := m.Rungs[1].Peers[1]; p.Trial != 1 || !p.Done {
		t.Errorf("%+v", p)
	}
	m.Step(search.Ended{Trial: 2, Budget: 1, State: search.Stopped, Values: []float64{.1}})
	if !m.Rungs[2].has(2) || m.Rungs[2].Peers[0].Done {
		t.Errorf("%+v", m.Rungs)
	}
}

// Each rung that does not beat the best so far counts, in a row; what is as good by
// MinDelta is no improvement.
func TestPlateauCounts(t *testing.T) {
	for name, c := range map[string]struct {
		p      Plateau
		values []float64
		want   string // of the last
	}{
		"patience 1":           {Plateau{Max: 9, Patience: 1}, []float64{.5, .5}, "rung 2: 0.5 does not improve on 0.5 of budget 1, for 1 rungs"},
		"patience 2":           {Plateau{Max: 9}, []float64{.5, .6, .7}, "rung 3: 0.7 does not improve on 0.5 of budget 1, for 2 rungs"},
		"not in a row":         {Plateau{Max: 9}, []float64{.5, .6, .4, .6, .39, .5, .45}, "rung 7: 0.45 does not improve on 0.39 of budget 5, for 2 rungs"},
		"by more than":         {Plateau{Max: 9, Patience: 1, MinDelta: .125}, []float64{.5, .375}, "rung 2: 0.375 does not improve on 0.5 of budget 1 by more than 0.125, for 1 rungs"},
		"just more":            {Plateau{Max: 3, Patience: 1, MinDelta: .125}, []float64{.5, .374, .2}, "trained to the full budget of 3"},
		"maximize":             {Plateau{Max: 9, Patience: 1, Goal: search.Maximize}, []float64{.5, .6, .55}, "rung 3: 0.55 does not improve on 0.6 of budget 2, for 1 rungs"},
		"the end comes before": {Plateau{Max: 2, Patience: 1}, []float64{.5, .6}, "trained to the full budget of 2"},
		"not finite":           {Plateau{Max: 9}, []float64{.5, math.Inf(1)}, "rung 2: the value is not finite"},
	} {
		p := c.p
		p.Step(search.Free{Slots: 2, New: 2})
		for i, v := range c.values {
			got := reasons(p.Step(value(0, i+1, v)))
			if last := i == len(c.values)-1; last != (got[0] != "") || last && got[0] != c.want {
				t.Errorf("%s: after %d: %q, want %q", name, i+1, got[0], c.want)
			}
			p.Step(search.Free{Slots: 1})
		}
		if len(p.Best) != 0 {
			t.Errorf("%s: %v is kept of what ended", name, p.Best)
		}
		for k, r := range p.Rungs {
			for _, peer := range r.Peers {
				if last := k == len(c.values)-1; peer.Done != last || peer.Waiting {
					t.Errorf("%s: rung %d: %+v", name, k, peer)
				}
			}
		}
	}
	p := &Plateau{Max: 9}
	p.Step(search.Free{Slots: 3, New: 3})
	p.Step(value(0, 1, .5))
	if got := reasons(p.Step(search.Closed{})); got[0] != "rung 1: 0.5 still improved, but the study ended" {
		t.Errorf("%v", got)
	}
	p.Step(search.Ended{Trial: 0, Budget: 2, State: search.Stopped, Values: []float64{.4}})
	p.Step(search.Ended{Trial: 1, Budget: 2, State: search.Completed, Values: []float64{.3}})
	p.Step(search.Ended{Trial: 2, Budget: 2, State: search.Completed})
	if len(p.Best) != 0 || len(p.Rungs[1].Peers) != 1 || !p.Rungs[1].Peers[0].Done {
		t.Errorf("%+v, %+v", p.Best, p.Rungs[1])
	}
}

// A round is as large as leaves one trial for the full budget; its rungs are cut
// when everybody has come, and slots that would wait begin the next round.
func TestHalvingByRounds(t *testing.T) {
	s := &SuccessiveHalving{Max: 9}
	if n := s.size(); n != 9 {
		t.Errorf("a round of %d", n)
	}
	if n := (&SuccessiveHalving{Max: 8, Eta: 2}).size(); n != 8 {
		t.Errorf("a round of %d", n)
	}
	if n := (&SuccessiveHalving{Max: 9, Size: 4}).size(); n != 4 {
		t.Errorf("a round of %d", n)
	}
	if n := (&SuccessiveHalving{Max: 9, Size: 1}).size(); n != 1 {
		t.Errorf("a round of %d", n)
	}
	s = &SuccessiveHalving{Max: 9, Size: 4}
	if got := s.Step(search.Free{Slots: 5, New: 9}); len(got) != 5 || len(s.Rounds) != 2 || !s.Rounds[0].Full || s.Rounds[1].Full || s.Rounds[1].First != 4 || s.Rounds[0].Begun != 4 {
		t.Fatalf("%v: %+v", got, s.Rounds)
	}
	for trial := range 3 {
		if got := s.Step(value(trial, 1, float64(trial))); got != nil {
			t.Fatalf("%v before all have come", got)
		}
	}
	got := reasons(s.Step(value(3, 1, 3)))
	if len(got) != 3 || got[1] != "rung 1: 1 > cut 0 of 4 peers" {
		t.Errorf("%v", got)
	}
	if s.Rounds[0].Due[1] != 1 || s.Rounds[0].Level != 1 {
		t.Errorf("%+v", s.Rounds[0])
	}
	next := s.Step(search.Free{Slots: 2, New: 9})
	if want := []search.Action{search.Resume{Trial: 0, Budget: 3, Reason: "rung 1: 0 is 1st of 4"}, search.Start{Trial: 5, Budget: 1}}; !reflect.DeepEqual(next, want) {
		t.Errorf("%v, want %v", next, want)
	}
	s.Step(value(0, 3, .5))
	if got := s.Step(search.Free{Slots: 1, New: 0}); len(got) != 1 || got[0].(search.Resume).Budget != 9 {
		t.Errorf("%v", got)
	}
	if got := s.Step(value(0, 9, .4)); reasons(got)[0] != "trained to the full budget of 9" || !s.Rounds[0].Rungs[2].Peers[0].Done {
		t.Errorf("%v", got)
	}
	// No new trial comes: the second round is as small as it is, and of two one goes on.
	s.Step(value(4, 1, .5))
	got = reasons(s.Step(value(5, 1, .4)))
	if len(got) != 1 || got[4] != "rung 1: 0.5 > cut 0.4 of 2 peers" || !s.Rounds[1].Full {
		t.Errorf("%v: %+v", got, s.Rounds[1])
	}
	if got := reasons(s.Step(search.Closed{})); len(got) != 1 || got[5] != "rung 1: 0.4 is 1st of 2, but the study ended" {
		t.Errorf("%v", got)
	}
}

// What ends by itself is a peer, as is what diverged; a round of which nobody is
// left is over.
func TestHalvingWithEarlyEnds(t *testing.T) {
	s := &SuccessiveHalving{Max: 9, Size: 6}
	s.Step(search.Free{Slots: 6, New: 6})
	s.Step(search.Ended{Trial: 0, Budget: 1, State: search.Completed, Values: []float64{.1}})
	s.Step(search.Ended{Trial: 1, Budget: 1, State: search.Diverged})
	s.Step(search.Ended{Trial: 2, Budget: 1, State: search.Failed})
	s.Step(search.Reported{Trial: 3, Budget: 1, Values: []float64{math.NaN()}})
	s.Step(value(4, 1, .3))
	got := reasons(s.Step(value(5, 1, .2)))
	// Five peers, of which two diverged: one of three goes on, the one that is trained.
	if len(got) != 2 || got[4] != "rung 1: 0.3 > cut 0.1 of 5 peers" || got[5] != "rung 1: 0.2 > cut 0.1 of 5 peers" {
		t.Errorf("%v", got)
	}
	r := s.Rounds[0]
	if p := r.Rungs[0].Peers[0]; p.Trial != 0 || !p.Risen || p.Waiting {
		t.Errorf("%+v went on by itself", p)
	}
	if r.Rungs[0].Diverged != 2 || !r.Rungs[1].has(0) || !r.Rungs[2].has(0) || r.Level != 2 {
		t.Errorf("%+v", r)
	}
	s = &SuccessiveHalving{Max: 9, Size: 2}
	s.Step(search.Free{Slots: 2, New: 2})
	s.Step(search.Ended{Trial: 0, Budget: 1, State: search.Diverged})
	if got := s.Step(search.Ended{Trial: 1, Budget: 1, State: search.Diverged}); got != nil || s.Rounds[0].Level != 2 {
		t.Errorf("%v: %+v", got, s.Rounds[0])
	}
	if got := s.Step(search.Free{Slots: 1, New: 1}); len(got) != 1 || got[0].(search.Start).Trial != 2 || len(s.Rounds) != 2 {
		t.Errorf("%v", got)
	}
	if s.round(0) != 0 || s.round(1) != 0 || s.round(2) != 1 {
		t.Error("rounds")
	}
	if (&SuccessiveHalving{}).fill(-1) != nil {
		t.Error("nothing was begun")
	}
	// No new trials come, and the only round is as small as it is.
	s = &SuccessiveHalving{Max: 9, Size: 4}
	s.Step(search.Free{Slots: 2, New: 2})
	s.Step(value(0, 1, .5))
	s.Step(search.Free{Slots: 1, New: 0})
	if got := reasons(s.Step(value(1, 1, .4))); !s.Rounds[0].Full || got[0] != "rung 1: 0.5 > cut 0.4 of 2 peers" {
		t.Errorf("%v: %+v", got, s.Rounds[0])
	}
}

// A round does not wait for a trial that was on its way to a slot and is set aside;
// when it counts again, it does.
func TestHalvingSetsAsideWhoWaitsForASlot(t *testing.T) {
	s := &SuccessiveHalving{Max: 9, Size: 6}
	s.Step(search.Free{Slots: 6, New: 6})
	for trial := range 6 {
		s.Step(value(trial, 1, float64(trial)))
	}
	r := &s.Rounds[0]
	due := func(aside []int, want int) {
		t.Helper()
		if s.Step(search.Aside{Trials: aside}); r.Level != 1 || r.Due[1] != want || r.Due[0] != 0 || r.Due[2] != 0 {
			t.Errorf("with %v set aside: level %d, due %v, want %d", aside, r.Level, r.Due, want)
		}
	}
	due(nil, 2)
	due([]int{0}, 1)
	due([]int{0, 5}, 1)
	due(nil, 2)
	due([]int{1}, 1)
	if got := s.Step(search.Free{Slots: 9}); len(got) != 1 || got[0].(search.Resume).Trial != 0 {
		t.Errorf("%v", got)
	}
	s.Step(value(0, 3, .5))
	if r.Level != 2 || r.Due[2] != 1 {
		t.Errorf("level %d, due %v: t0 is all that is left", r.Level, r.Due)
	}
}

// Who was set aside while its round was cut, and counts again later, is not among
// those that go on.
func TestHalvingDoesNotWaitForWhoComesBack(t *testing.T) {
	s := &SuccessiveHalving{Max: 9, Size: 3}
	s.Step(search.Free{Slots: 3, New: 3})
	s.Step(value(0, 1, .5))
	s.Step(value(1, 1, .6))
	s.Step(search.Aside{Trials: []int{1}})
	s.Step(value(2, 1, .7))
	if s.Step(search.Aside{}); s.Rounds[0].Due[1] != 1 {
		t.Errorf("due %v, want t0 alone", s.Rounds[0].Due)
	}
	if got := s.Step(search.Free{Slots: 3}); len(got) != 1 || got[0].(search.Resume).Trial != 0 {
		t.Errorf("%v", got)
	}
	if s.Step(search.Aside{Trials: []int{1}}); s.Rounds[0].Due[1] != 1 {
		t.Errorf("due %v, want t0 alone", s.Rounds[0].Due)
	}
}

// Every scheduler with rungs takes out who is set aside, and stops waiting for it.
func TestEverySchedulerSetsAside(t *testing.T) {
	for _, s := range []search.Scheduler{&ASHA{Max: 9}, &MedianStopping{Max: 8}, &Plateau{Max: 9}, &Extrapolation{Max: 9}, &SuccessiveHalving{Max: 9}, &Hyperband{Max: 9, Min: 9}} {
		s.Step(search.Free{Slots: 2, New: 2})
		s.Step(value(0, 1, .5))
		s.Step(search.Aside{Trials: []int{0}})
		if got := s.Step(search.Closed{}); got != nil {
			t.Errorf("%T: %v of who is set aside", s, got)
		}
		s.Step(search.Aside{})
		if _, one := s.(*Hyperband); one { // its only rung is the last
			continue
		}
		if got := s.Step(search.Closed{}); len(got) != 1 {
			t.Errorf("%T: %v of who counts again", s, got)
		}
	}
	n := &NoStopping{Max: 9}
	n.Step(search.Free{Slots: 1, New: 1})
	if n.Step(value(0, 9, .5)); n.Ready {
		t.Error("nobody waits for the first trial")
	}
}

// The best goes on without its round when the study is to end.
func TestHalvingSettles(t *testing.T) {
	s := &SuccessiveHalving{Max: 9, Size: 3}
	s.Step(search.Free{Slots: 3, New: 3})
	s.Step(value(0, 1, .5))
	s.Step(value(1, 1, .4))
	got := s.Step(search.Settle{Running: []int{2}})
	if want := []search.Action{search.Resume{Trial: 1, Budget: 3, Reason: "rung 1: 0.4 is the best as the study ends"}}; !reflect.DeepEqual(got, want) || s.Rounds[0].Due[1] != 1 {
		t.Errorf("%v, want %v; due %v", got, want, s.Rounds[0].Due)
	}
	s.Step(value(1, 3, .3))
	if s.Rounds[0].Due[1] != 0 {
		t.Errorf("due %v", s.Rounds[0].Due)
	}
	// t2 comes late and is better: of three one goes on, which is not t1, that has gone.
	if got := reasons(s.Step(value(2, 1, .2))); got[0] == "" || got[2] != "" {
		t.Errorf("%v", got)
	}
}

// A curve is judged when there are enough points and peers, and by the chance that
// was asked for.
func TestExtrapolationWaitsForPeers(t *testing.T) {
	train := func(x *Extrapolation, trial int, end, fall float64) (at int, why string) {
		x.Step(search.Free{Slots: 1, New: 1})
		for _, b := range x.Brackets()[0].Rungs {
			if out := reasons(x.Step(value(trial, b, end+fall/float64(b)))); len(out) > 0 {
				return b, out[trial]
			}
			x.Step(search.Free{Slots: 1})
		}
		return 0, ""
	}
	for name, c := range map[string]struct {
		x          Extrapolation
		good       int // trials before the bad one
		stoppedAt  int // 0: anywhere before the end
		withinWhys string
	}{
		"two peers":          {Extrapolation{Max: 34}, 2, 34, "trained to the full budget of 34"},
		"three peers":        {Extrapolation{Max: 34}, 3, 3, "rung 3: 0.9"},
		"one peer":           {Extrapolation{Max: 34, Peers: 1}, 1, 0, "rung"},
		"after one point":    {Extrapolation{Max: 34, Points: 1}, 3, 1, "rung 1: 0.9"},
		"after five":         {Extrapolation{Max: 34, Points: 5}, 3, 7, "rung 7: 0.9"},
		"the default chance": {Extrapolation{Max: 34, Chance: -1}, 3, 3, "rung 3: 0.9"},
	} {
		x := c.x
		for trial := range c.good {
			train(&x, trial, .2+.02*float64(trial), .01)
		}
		at, why := train(&x, c.good, .9, .01)
		if at != c.stoppedAt && (c.stoppedAt > 0 || at == 34) || !strings.HasPrefix(why, c.withinWhys) {
			t.Errorf("%s: it ended at %d: %s", name, at, why)
		}
		if len(x.Curves) != 0 {
			t.Errorf("%s: %v is kept of what ended", name, x.Curves)
		}
		if p := x.Rungs[0].Peers[len(x.Rungs[0].Peers)-1]; p.Waiting || p.Done {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// What ends by itself is complete as it is, and what is not finite is forgotten.
func TestExtrapolationWithEarlyEnds(t *testing.T) {
	x := &Extrapolation{Max: 9, Goal: search.Maximize}
	x.Step(search.Free{Slots: 4, New: 4})
	for trial := range 4 {
		x.Step(value(trial, 1, .5))
	}
	if len(x.Curves) != 4 || x.Curves[0][0] != -.5 {
		t.Errorf("%v", x.Curves)
	}
	x.Step(search.Ended{Trial: 0, Budget: 1, State: search.Completed, Values: []float64{.5}})
	x.Step(search.Ended{Trial: 1, Budget: 1, State: search.Stopped, Values: []float64{.6}})
	x.Step(search.Ended{Trial: 2, Budget: 1, State: search.Failed})
	if got := reasons(x.Step(search.Reported{Trial: 3, Budget: 2, Values: []float64{math.NaN()}})); got[3] != "rung 2: the value is not finite" {
		t.Errorf("%v", got)
	}
	if len(x.Curves) != 0 || len(x.last().Peers) != 2 || x.last().Peers[0].Done || !x.last().Peers[1].Done {
		t.Errorf("%v, %+v", x.Curves, x.last())
	}
	if got := reasons(x.Step(search.Closed{})); len(got) != 4 || got[0] != "rung 1: 0.5 is 1st of 4, but the study ended" {
		t.Errorf("%v", got)
	}
}
