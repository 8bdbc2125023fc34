package scheduler

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
)

// settled runs a study whose trials get better with their budget, and returns what
// each one reached, and the trials that were trained to the end.
func settled(t *rapid.T, s search.Scheduler, trials, parallel, full, conclude int) (value map[int]float64, done map[int]bool, spent int) {
	value, done = map[int]float64{}, map[int]bool{}
	l := &search.Loop{Scheduler: s, Parallel: parallel, Trials: trials, Settles: true}
	var running []search.Segment
	for d := l.Begin(); ; {
		running = append(running, d.Run...)
		for _, e := range d.Ended { // the plateau that a trial came to
			done[e.Trial] = done[e.Trial] || !strings.HasSuffix(e.Reason, "study ended")
		}
		if conclude > 0 && l.Started >= conclude && l.Settling == "" {
			l.Settling = "the time is nearly over"
			d = l.Resize(parallel, trials)
			continue
		}
		if len(running) == 0 {
			if !l.Finished {
				t.Fatal("nothing runs, and the study is not over")
			}
			return value, done, spent
		}
		i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
		seg := running[i]
		running = slices.Delete(running, i, i+1)
		spent += seg.To - seg.From
		v, seen := value[seg.Trial]
		if !seen {
			v = rapid.Float64Range(1, 2).Draw(t, "first")
		}
		v -= rapid.Float64Range(0, .2).Draw(t, "gain")
		o := search.Outcome{Trial: seg.Trial, Budget: seg.To, State: search.Paused, Values: []float64{v}}
		switch rapid.IntRange(0, 9).Draw(t, "fate") {
		case 0:
			o.State, o.Values = search.Diverged, nil
			delete(value, seg.Trial)
		case 1: // it no longer improves
			o.State = search.Completed
		}
		if o.Values != nil {
			value[seg.Trial] = v
			done[seg.Trial] = o.State == search.Completed || seg.To == full
		}
		d = l.Done(o)
	}
}

// When trials are spent, the best one has been trained to its end, by every
// scheduler that does not stop trials for good, and if most of the budget is gone,
// with no more than one training above what was running.
func TestTheBestIsTrainedToTheEnd(t *testing.T) {
	for name, make := range map[string]func(full int) search.Scheduler{
		"asha":      func(full int) search.Scheduler { return &ASHA{Max: full} },
		"learning":  func(full int) search.Scheduler { return &ASHA{Max: full, Learn: true} },
		"hyperband": func(full int) search.Scheduler { return &Hyperband{Max: full} },
		"halving":   func(full int) search.Scheduler { return &SuccessiveHalving{Max: full} },
		"plateau":   func(full int) search.Scheduler { return &Plateau{Max: full} },
		"none":      func(full int) search.Scheduler { return &NoStopping{Max: full} },
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				full := rapid.SampledFrom([]int{1, 2, 9, 27, 100}).Draw(t, "full")
				trials, parallel := rapid.IntRange(1, 12).Draw(t, "trials"), rapid.IntRange(1, 4).Draw(t, "parallel")
				conclude := rapid.IntRange(0, trials).Draw(t, "conclude")
				value, done, _ := settled(t, make(full), trials, parallel, full, conclude)
				if len(value) == 0 {
					return // all diverged
				}
				best := slices.MinFunc(slices.Sorted(maps.Keys(value)), func(a, b int) int {
					if value[a] < value[b] {
						return -1
					}
					return 1
				})
				// Halving has stopped for good what was not among the best of its round
				// when the one that went on instead diverges.
				if !done[best] && (name != "halving" || len(value) == trials) {
					t.Fatalf("the best is t%d with %.3f, and was not trained to the end: %v, %v", best, value[best], value, done)
				}
			})
		})
	}
}

// One training to the end is all that settling costs.
func TestSettlingIsCheap(t *testing.T) {
	for _, s := range []search.Scheduler{&ASHA{Max: 27}, &Hyperband{Max: 27}} {
		l := &search.Loop{Scheduler: s, Parallel: 1, Trials: 100, Settles: true}
		d := l.Begin()
		seg := d.Run[0]
		after := 0
		for n := 0; !l.Finished; n++ {
			if n == 6 {
				l.Settling = "enough"
				d = l.Resize(1, 100)
			} else {
				d = l.Done(search.Outcome{Trial: seg.Trial, Budget: seg.To, State: search.Paused, Values: []float64{float64(100 - n)}})
			}
			if len(d.Run) > 0 {
				seg = d.Run[0]
				if l.Settling != "" {
					after += seg.To - seg.From
				}
			}
		}
		if after > 27 {
			t.Errorf("%T: %d epochs after the study was to end, want at most 27", s, after)
		}
	}
}
