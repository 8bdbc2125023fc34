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

// What is trained again and was interrupted goes on when the study does, also if its
// search is over at once; a user's stop ends it.
func TestInterruptedRetrainingGoesOn(t *testing.T) {
	interrupted := func() *search.Loop {
		l := &search.Loop{Scheduler: &pairs{}, Parallel: 1, Trials: 2, Retrain: search.Retrain{Best: 2, Budget: 9}}
		d := l.Begin()
		for len(d.Run) > 0 && !d.Run[0].Again {
			trial := d.Run[0].Trial
			d = l.Done(search.Outcome{Trial: trial, Budget: d.Run[0].To, State: search.Paused, Values: []float64{1 / float64(trial+1)}})
		}
		kept := l.Suspended()
		if len(l.Running) != 1 || len(kept.Running) != 0 || len(kept.Cut) != len(l.Cut)+1 {
			t.Fatalf("suspended %+v, of %+v", kept, l)
		}
		kept.Reopen()
		return &kept
	}
	l := interrupted()
	d := l.Finish("the time is spent")
	var likes []int
	for len(d.Run) > 0 {
		likes = append(likes, d.Run[0].Like)
		d = l.Done(search.Outcome{Trial: d.Run[0].Trial, Budget: 9, State: search.Completed, Values: []float64{0}})
	}
	if !slices.Equal(likes, []int{1, 0}) || !l.Finished || len(l.Again) != 2 {
		t.Errorf("trained again like %v, %+v", likes, l)
	}
	l = interrupted()
	if d = l.Abort("enough"); len(d.Run) > 0 || !l.Finished || len(d.Ended) == 0 {
		t.Errorf("stopped: %+v, %+v", d, l)
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
				take(l.Finish("the time is over"))
				continue
			case 1:
				stopped = true
				take(l.Abort("the user has enough"))
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
