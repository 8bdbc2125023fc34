package searchtest

import (
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
)

// Scheduler checks what every scheduler promises, by studies of random size
// whose trials end in random order with random values: saved and loaded between
// any two events it takes the same actions; it never uses more slots than it
// was offered; it numbers trials 0, 1, 2, …; it resumes and stops paused trials
// only, so never one that ended; it asks for more than a trial has already had;
// every paused trial is stopped in the end, with a reason; and the study
// terminates.
func Scheduler(t *testing.T, make func() search.Scheduler) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) { runStudy(t, make()) })
}

// audit passes events on and fails the test on the first wrong action. Its twin
// hears the same events, and is replaced by its own JSON before each one of a small
// study and before every few of a large one: what the JSON lacks is lost for good.
type audit struct {
	t       *rapid.T
	s, twin search.Scheduler
	every   int // how many events the twin lives
	events  int
	started int
	paused  map[int]int // trial to budget
	ended   map[int]bool
	aside   []int // trials that do not count: no word about them
}

func (a *audit) Step(e search.Event) []search.Action {
	if a.events++; a.events%a.every == 0 {
		a.twin = reload(a.t, a.twin)
	}
	actions, same := a.s.Step(e), a.twin.Step(e)
	if len(actions)+len(same) > 0 && !reflect.DeepEqual(actions, same) {
		a.t.Fatalf("%#v: actions %#v, but saved and loaded before: %#v", e, actions, same)
	}
	free, isFree := e.(search.Free)
	_, isClosed := e.(search.Closed)
	settle, isSettle := e.(search.Settle)
	paused := maps.Clone(a.paused)
	switch e := e.(type) {
	case search.Reported:
		a.paused[e.Trial] = e.Budget
	case search.Aside:
		a.aside = e.Trials
	}
	for _, action := range actions {
		switch x := action.(type) {
		case search.Start:
			if free.Slots--; !isFree || free.New == 0 || x.Trial != a.started || x.Budget < 1 || x.Bracket < 0 {
				a.t.Fatalf("%#v: %#v with %d trials started", e, x, a.started)
			}
			free.New--
			a.started++
		case search.Resume:
			free.Slots--
			if at, ok := a.paused[x.Trial]; !ok || x.Budget <= at || x.Reason == "" || isClosed || slices.Contains(a.aside, x.Trial) {
				a.t.Fatalf("%#v: %#v, paused are %v", e, x, a.paused)
			}
			delete(a.paused, x.Trial)
		case search.Stop:
			if _, ok := a.paused[x.Trial]; !ok || x.Reason == "" || slices.Contains(a.aside, x.Trial) {
				a.t.Fatalf("%#v: %#v, paused are %v", e, x, a.paused)
			}
			delete(a.paused, x.Trial)
			a.ended[x.Trial] = true
		default:
			a.t.Fatalf("%#v: unknown action %#v", e, x)
		}
	}
	if isSettle && len(actions) > 1 {
		a.t.Fatalf("%#v: more than one action: %#v", settle, actions)
	}
	if isFree && free.Slots < 0 {
		a.t.Fatalf("%#v: too many actions: %#v", e, actions)
	}
	if isClosed {
		maps.DeleteFunc(a.paused, func(t, _ int) bool { return slices.Contains(a.aside, t) })
	}
	if isClosed && len(a.paused) > 0 {
		a.t.Fatalf("closed, and no word about the paused %v", a.paused)
	}
	if isClosed { // they go on where they are if the study does
		a.paused = paused
		for trial := range paused {
			delete(a.ended, trial)
		}
	}
	return actions
}

// reload is a scheduler made from nothing but the other one's JSON.
func reload(t *rapid.T, s search.Scheduler) search.Scheduler {
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatalf("save: %v", err)
	}
	out := reflect.New(reflect.TypeOf(s).Elem()).Interface().(search.Scheduler)
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatalf("load: %v", err)
	}
	return out
}

func runStudy(t *rapid.T, s search.Scheduler) {
	a := &audit{t: t, s: s, paused: map[int]int{}, ended: map[int]bool{}}
	a.twin = reload(t, s)
	parallel := rapid.IntRange(1, 6).Draw(t, "parallel")
	trials := rapid.IntRange(0, 60).Draw(t, "trials")
	if a.every = 1; trials > 15 {
		a.every = rapid.IntRange(trials/5, trials).Draw(t, "every")
	}
	tame := rapid.Bool().Draw(t, "tame") // nothing but reports
	loop := &search.Loop{Scheduler: a, Parallel: parallel, Trials: trials, Settles: rapid.Bool().Draw(t, "settles")}
	var running []search.Segment
	take := func(d search.Decision) {
		running = append(running, d.Run...)
		if len(running) > parallel {
			t.Fatalf("%d segments in %d slots", len(running), parallel)
		}
	}
	take(loop.Begin())
	run := func() {
		for events := 0; !loop.Finished; events++ {
			if events > 100*(trials+1) {
				t.Fatalf("no end after %d events", events)
			}
			i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
			seg := running[i]
			o := search.Outcome{Trial: seg.Trial, Budget: seg.To, State: search.Paused}
			// Few different values, so that ties are common.
			o.Values = []float64{float64(rapid.IntRange(0, 9).Draw(t, "value")) / 10, rapid.Float64Range(0, 1).Draw(t, "second")}
			what := 99
			if !tame {
				what = rapid.IntRange(0, 30).Draw(t, "what")
			}
			switch what {
			case 0, 1:
				o.State, o.Values = search.Diverged, nil
			case 2:
				o.State, o.Values = search.Failed, nil
			case 3:
				o.State, o.Values, o.Budget = search.Infeasible, nil, seg.From
			case 4, 5, 6: // early stopped
				o.State = search.Completed
				o.Budget = rapid.IntRange(seg.From+1, seg.To).Draw(t, "budget")
			case 7:
				o.Values[0] = math.NaN() // a driver must not report this; it must do no harm
			case 8:
				if rapid.IntRange(0, 4).Draw(t, "close") == 0 {
					take(loop.Finish("the time is over"))
					continue
				}
			case 15:
				if rapid.IntRange(0, 4).Draw(t, "conclude") == 0 {
					loop.Settling = "the time is nearly over"
					take(loop.Resize(parallel, trials))
					continue
				}
			case 9:
				parallel = rapid.IntRange(1, 6).Draw(t, "resize")
				parallel = max(parallel, len(running))
				take(loop.Resize(parallel, trials))
				continue
			case 11, 12: // the user stops a paused trial; the scheduler hears of it late
				if paused := slices.Sorted(maps.Keys(loop.Paused)); len(paused) > 0 {
					d, _ := loop.StopTrial(rapid.SampledFrom(paused).Draw(t, "halted"), "the user stopped it")
					take(d)
				}
				continue
			case 13, 14: // some trials are set aside, and others count again
				var aside []int
				for trial := range loop.Started {
					if rapid.IntRange(0, 3).Draw(t, "aside") == 0 {
						aside = append(aside, trial)
					}
				}
				take(loop.SetAside(aside, nil))
				take(loop.Resize(parallel, trials))
				continue
			case 10:
				if seg.From == 0 && seg.Trial == a.started-1 {
					running = append(running[:i], running[i+1:]...)
					take(loop.Exhausted(seg.Trial))
					continue
				}
			}
			running = append(running[:i], running[i+1:]...)
			if o.State != search.Paused {
				a.ended[o.Trial] = true
			}
			take(loop.Done(o))
		}
		if loop.Closing == "" && loop.Settling == "" && a.started < loop.Trials {
			t.Fatalf("ended by itself after %d of %d trials", a.started, loop.Trials)
		}
	}
	run()
	if loop.Trials < trials { // no params were left
		return
	}
	loop.Reopen()
	trials += rapid.IntRange(0, 10).Draw(t, "more")
	take(loop.Resize(parallel, trials))
	run()
}

// FuzzScheduler fuzzes the promises of [Scheduler] for schedulers that are drawn.
func FuzzScheduler(f *testing.F, draw func(*rapid.T) search.Scheduler) {
	f.Helper()
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { runStudy(t, draw(t)) }))
}
