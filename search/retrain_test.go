package search_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
)

// The best of a search are trained again, in order, in the slots there are; a
// study that goes on after that numbers its trials behind them.
func TestLoopRetrainsTheBest(t *testing.T) {
	again := search.Retrain{Best: 2, Budget: 9}
	l := &search.Loop{Scheduler: &pairs{}, Parallel: 1, Trials: 4, Retrain: again}
	loss := map[int]float64{0: .4, 1: .1, 2: .3, 3: .2}
	drive := func(d search.Decision) (got []search.Segment) {
		for {
			for _, s := range d.Run {
				if s.Again {
					got = append(got, s)
				}
			}
			if l.Finished {
				return got
			}
			trial := keys(l.Running)[0]
			s := l.Running[trial]
			o := search.Outcome{Trial: trial, Budget: s.To, State: search.Paused, Values: []float64{loss[trial]}}
			if s.Again {
				o.State = search.Completed
			}
			d = l.Done(o)
		}
	}
	got := drive(l.Begin())
	want := []search.Segment{{Trial: 4, To: 9, Again: true, Like: 1}, {Trial: 5, To: 9, Again: true, Like: 3}}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("retrained %+v, want %+v", got, want)
	}

	loss[6], loss[7] = .05, .5
	l.Reopen()
	got = drive(l.Resize(1, 6))
	want = []search.Segment{{Trial: 8, To: 9, Again: true, Like: 6}} // t0001, the other of the best, was trained again before
	if !reflect.DeepEqual(got, want) || l.Scheduler.(*pairs).Next != 6 {
		t.Fatalf("retrained %+v, want %+v; the scheduler started %d", got, want, l.Scheduler.(*pairs).Next)
	}
}

// However a search ends, at most the best few follow, each once, never more at
// once than there are slots, and nothing follows a user's stop.
func TestLoopRetrainsWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		best := rapid.IntRange(0, 4).Draw(t, "best")
		parallel := rapid.IntRange(1, 3).Draw(t, "parallel")
		l := &search.Loop{Scheduler: &pairs{}, Parallel: parallel, Trials: rapid.IntRange(0, 9).Draw(t, "trials"), Retrain: search.Retrain{Best: best, Budget: 5}}
		again, usable, stopped := map[int]bool{}, map[int]bool{}, false
		take := func(d search.Decision) {
			for _, s := range d.Run {
				if !s.Again {
					continue
				}
				if again[s.Like] || !usable[s.Like] || stopped || s.From != 0 || s.To != 5 {
					t.Fatalf("cannot train again: %+v", s)
				}
				again[s.Like] = true
			}
			if len(l.Running) > parallel {
				t.Fatalf("%d segments in %d slots", len(l.Running), parallel)
			}
		}
		take(l.Begin())
		for !l.Finished {
			l = reload(t, l)
			s := l.Running[rapid.SampledFrom(slices.Sorted(slices.Values(keys(l.Running)))).Draw(t, "trial")]
			o := search.Outcome{Trial: s.Trial, Budget: s.To, State: search.Paused, Values: []float64{rapid.Float64Range(0, 1).Draw(t, "value")}}
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				take(l.Close("the time is over"))
				continue
			case 1:
				stopped = true
				take(l.Stop("the user has enough"))
				continue
			case 2:
				o.State, o.Values = search.Diverged, nil
			default:
				usable[s.Trial] = !s.Again
			}
			take(l.Done(o))
		}
		if n := len(again); n > best || !stopped && n != min(best, len(l.Top)) {
			t.Fatalf("%d of the best %d of %v were trained again", n, best, l.Top)
		}
	})
}
