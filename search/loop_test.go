package search_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/hpo/scheduler"
	"budwood/search"
)

// pairs is a toy scheduler: trials train to budget 1; of every two that wait
// there, the better one goes on to budget 2 and the other one is stopped.
type pairs struct {
	Next  int             `json:"next"`
	Value map[int]float64 `json:"value"` // of the trials that wait at 1
	Ready []int           `json:"ready"` // to be promoted
	Done  []int           `json:"done"`  // trained to 2
	Greed bool            `json:"greed"` // answers a report with a Start, closing or not
}

func (p *pairs) Step(e search.Event) (out []search.Action) {
	switch e := e.(type) {
	case search.Free:
		for ; e.Slots > 0 && len(p.Ready) > 0; e.Slots-- {
			out = append(out, search.Resume{Trial: p.Ready[0], Budget: 2, Reason: "the better of two"})
			p.Ready = p.Ready[1:]
		}
		for ; e.Slots > 0 && e.New > 0; e.Slots, e.New = e.Slots-1, e.New-1 {
			out = append(out, search.Start{Trial: p.Next, Budget: 1})
			p.Next++
		}
	case search.Reported:
		if e.Budget == 2 {
			p.Done = append(p.Done, e.Trial)
			return []search.Action{search.Stop{Trial: e.Trial, Completed: true, Reason: "trained to 2"}}
		}
		if p.Greed {
			return []search.Action{search.Resume{Trial: e.Trial, Budget: 2}}
		}
		for rival, v := range p.Value { // one at most
			delete(p.Value, rival)
			loser, winner := rival, e.Trial
			if v < e.Values[0] {
				loser, winner = winner, loser
			}
			p.Ready = append(p.Ready, winner)
			return []search.Action{search.Stop{Trial: loser, Reason: "the worse of two"}}
		}
		p.Value = map[int]float64{e.Trial: e.Values[0]}
	case search.Settle:
		for t := range p.Value { // one at most
			if len(p.Done)+len(e.Running) == 0 {
				delete(p.Value, t)
				out = append(out, search.Resume{Trial: t, Budget: 2, Reason: "no rival will come"})
			}
		}
	case search.Closed:
		for t := range p.Value {
			out = append(out, search.Stop{Trial: t, Reason: "no rival came"})
		}
	}
	return out
}

// reload is the loop after a trip through JSON.
func reload(t *rapid.T, l *search.Loop) *search.Loop {
	state, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	scheduler, err := json.Marshal(l.Scheduler)
	if err != nil {
		t.Fatal(err)
	}
	out, s := &search.Loop{}, &pairs{}
	if err := json.Unmarshal(state, out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(scheduler, s); err != nil {
		t.Fatal(err)
	}
	out.Scheduler = s
	return out
}

func TestLoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parallel := rapid.IntRange(1, 5).Draw(t, "parallel")
		trials := rapid.IntRange(0, 20).Draw(t, "trials")
		l := &search.Loop{Scheduler: &pairs{}, Parallel: parallel, Trials: trials, Settles: rapid.Bool().Draw(t, "settles")}
		twin := reload(t, l) // saved and loaded before every event

		running := map[int]search.Segment{}
		ended := map[int]string{}
		started := 0
		closing, concluded, exhausted, held := false, false, false, false
		cut := map[int]bool{}
		end := func(trial int, reason string) {
			if ended[trial] != "" || reason == "" {
				t.Fatalf("t%d ended %q, then %q", trial, ended[trial], reason)
			}
			ended[trial] = reason
		}
		take := func(d, same search.Decision) {
			if !reflect.DeepEqual(d, same) {
				t.Fatalf("decided %+v; after a trip through JSON %+v", d, same)
			}
			for _, e := range d.Ended {
				end(e.Trial, e.Reason)
			}
			for _, s := range d.Run {
				if _, twice := running[s.Trial]; twice || ended[s.Trial] != "" || s.To <= s.From || closing {
					t.Fatalf("cannot run %+v", s)
				}
				if held {
					t.Fatalf("%+v begins while the study is held", s)
				}
				if s.From == 0 && s.Cuts == 0 {
					if s.Trial != started {
						t.Fatalf("t%d started, want t%d", s.Trial, started)
					}
					started++
				}
				running[s.Trial] = s
			}
			if len(running) > parallel || !reflect.DeepEqual(running, l.Running) && len(running)+len(l.Running) > 0 {
				t.Fatalf("%d slots, running %v, the loop says %v", parallel, running, l.Running)
			}
		}
		take(l.Begin(), twin.Begin())
		run := func() {
			for !l.Finished {
				twin = reload(t, twin)
				ids := make([]int, 0, len(running))
				for id := range running {
					ids = append(ids, id)
				}
				slices.Sort(ids)
				if len(ids) == 0 { // held, and nothing runs
					held = false
					take(l.Resume(), twin.Resume())
					continue
				}
				s := running[rapid.SampledFrom(ids).Draw(t, "trial")]
				o := search.Outcome{Trial: s.Trial, Budget: s.To, State: search.Paused, Values: []float64{rapid.Float64Range(0, 1).Draw(t, "value")}}
				switch rapid.IntRange(0, 16).Draw(t, "what") {
				case 4:
					if held = !held; held {
						l.Pause()
						twin.Pause()
					} else {
						take(l.Resume(), twin.Resume())
					}
					continue
				case 5, 6:
					paused := slices.Sorted(maps.Keys(l.Paused))
					for _, s := range l.Owed {
						paused = append(paused, s.Trial)
					}
					if len(paused) > 0 {
						id := rapid.SampledFrom(paused).Draw(t, "halted")
						d, ok := l.StopTrial(id, "the user said so")
						same, _ := twin.StopTrial(id, "the user said so")
						if again, twice := l.StopTrial(id, "again"); twice || len(again.Ended) > 0 || ok != (ended[id] == "") {
							t.Fatalf("t%d was halted twice", id)
						}
						take(d, same)
					}
					continue
				case 0:
					o.State = search.Diverged
					o.Values = nil
				case 1:
					o.State = search.Completed
				case 2:
					closing = true
					take(l.Finish("the time is over"), twin.Finish("the time is over"))
					continue
				case 7:
					concluded = true
					l.Settling, twin.Settling = "the time is nearly over", "the time is nearly over"
					take(l.Resize(parallel, trials), twin.Resize(parallel, trials))
					continue
				case 8:
					if closing {
						delete(running, s.Trial)
						end(s.Trial, "the time is over")
						cut[s.Trial] = true
						cost := search.Cost{Epochs: 1, Joules: 2, Seconds: 3}
						take(l.Interrupt(s.Trial, cost), twin.Interrupt(s.Trial, cost))
						continue
					}
				case 3:
					if s.From == 0 && s.Cuts == 0 && s.Trial == started-1 {
						delete(running, s.Trial)
						end(s.Trial, "no params")
						take(l.Exhausted(s.Trial), twin.Exhausted(s.Trial))
						if trials = min(trials, s.Trial); l.Trials != trials {
							t.Fatalf("the loop plans %d trials, but there are params for %d", l.Trials, trials)
						}
						exhausted = true
						continue
					}
				}
				delete(running, s.Trial)
				if o.State != search.Paused {
					end(s.Trial, string(o.State))
				}
				take(l.Done(o), twin.Done(o))
				if _, again := running[o.Trial]; !again {
					before, _ := json.Marshal(l)
					if d := l.Done(o); !reflect.DeepEqual(d, search.Decision{}) {
						t.Fatalf("the second report decided %+v", d)
					}
					if after, _ := json.Marshal(l); string(after) != string(before) {
						t.Fatalf("the second report changed\n%s to\n%s", before, after)
					}
				}
			}
			if len(running) != 0 || len(ended) != started {
				t.Fatalf("finished with %d of %d trials started, %d ended, %d running", started, trials, len(ended), len(running))
			}
			if exhausted {
				started-- // the trial that had no params
				delete(ended, started)
			}
			if !closing && !concluded && started != trials {
				t.Fatalf("%d trials started, want %d", started, trials)
			}
		}
		run()
		if exhausted {
			return
		}
		// With a larger budget it goes on, and with it what only its end had stopped.
		left := l.Reopen()
		if !slices.Equal(left, twin.Reopen()) {
			t.Fatalf("after a trip through JSON others are left than %v", left)
		}
		for _, id := range left {
			if r := ended[id]; !cut[id] && r != "no rival came" && !strings.HasPrefix(r, "paused at 1 when") {
				t.Fatalf("t%d is paused again, which had ended: %s", id, r)
			}
			delete(ended, id)
		}
		closing, concluded, exhausted, held, l.Held, twin.Held = false, false, false, false, false, false
		trials += rapid.IntRange(0, 5).Draw(t, "more")
		parallel = rapid.IntRange(1, parallel).Draw(t, "parallel again")
		take(l.Resize(parallel, trials), twin.Resize(parallel, trials))
		run()
		for _, d := range []search.Decision{l.Done(search.Outcome{Trial: 0}), l.Finish("late"), l.Resize(9, 99)} {
			if len(d.Run)+len(d.Ended) > 0 {
				t.Fatalf("the finished loop decided %+v", d)
			}
		}
	})
}

// What the end of a study interrupted goes on first if the study does, the best of
// it before the rest; what gets no slot ends with the study again, and so does what
// is set aside or stopped meanwhile.
func TestLoopGoesOn(t *testing.T) {
	reopened := func() *search.Loop {
		l := &search.Loop{Scheduler: &scheduler.SuccessiveHalving{Max: 3, Size: 4}, Parallel: 4, Trials: 8, Settles: true}
		l.Begin()
		l.Finish("the time is over")
		for i := range 4 {
			l.Interrupt(i, search.Cost{})
		}
		if left := l.Reopen(); !slices.Equal(left, []int{0, 1, 2, 3}) {
			t.Fatalf("%v are left", left)
		}
		l.Prefer([]int{2})
		return l
	}
	ids := func(d search.Decision) (run, ended []int) {
		for _, s := range d.Run {
			run = append(run, s.Trial)
		}
		for _, e := range d.Ended {
			ended = append(ended, e.Trial)
		}
		return run, ended
	}
	l := reopened()
	if run, _ := ids(l.Resize(1, 8)); !slices.Equal(run, []int{2}) {
		t.Errorf("%v go on, want the best one", run)
	}
	l.Finish("the time is over again")
	if _, ended := ids(l.Interrupt(2, search.Cost{})); !slices.Equal(ended, []int{0, 1, 3}) {
		t.Errorf("%v end with the study, want those that got no slot", ended)
	}
	if left := l.Reopen(); !slices.Equal(left, []int{0, 1, 2, 3}) {
		t.Errorf("%v are left after the second end", left)
	}

	l = reopened()
	if _, ended := ids(l.SetAside([]int{0}, nil)); !slices.Equal(ended, []int{0}) {
		t.Errorf("%v end when t0000 is set aside", ended)
	}
	if d, ok := l.StopTrial(1, "the user said so"); !ok || len(d.Ended) != 1 || d.Ended[0].Trial != 1 {
		t.Errorf("%+v, %v when t0001 is stopped", d, ok)
	}
	d := l.Resize(1, 4)
	for n := 0; !l.Finished && n < 20; n++ { // the others' round is not kept waiting
		seg := d.Run[0]
		d = l.Done(search.Outcome{Trial: seg.Trial, Budget: seg.To, State: search.Paused, Values: []float64{float64(seg.Trial)}})
		if seg.From > 0 && !strings.Contains(seg.Reason, "1st of 2") {
			t.Errorf("t%d goes on: %s", seg.Trial, seg.Reason)
		}
	}
	if !l.Finished {
		t.Error("the study does not end")
	}
}

func TestLoopCloseDrains(t *testing.T) {
	l := &search.Loop{Scheduler: &pairs{}, Parallel: 3, Trials: 9}
	l.Begin()
	if d := l.Finish("enough"); len(d.Run)+len(d.Ended) > 0 || l.Finished {
		t.Fatalf("closing with 3 running decided %+v, finished %v", d, l.Finished)
	}
	for trial, want := range []search.Decision{
		{},
		{Ended: []search.Ending{{Trial: 1, State: search.Stopped, Reason: "the worse of two"}}},
		// t2 finds no rival; t0 was to be promoted, and the toy forgets it
		{Ended: []search.Ending{{2, search.Stopped, "no rival came"}, {0, search.Stopped, "paused at 1 when the study ended"}}},
	} {
		d := l.Done(search.Outcome{Trial: trial, Budget: 1, State: search.Paused, Values: []float64{float64(trial)}})
		if !reflect.DeepEqual(d, want) {
			t.Errorf("t%d: decided %+v, want %+v", trial, d, want)
		}
	}
	if !l.Finished {
		t.Error("not finished")
	}
}

func TestLoopRunsNothingWhileClosing(t *testing.T) {
	l := &search.Loop{Scheduler: &pairs{Greed: true}, Parallel: 1, Trials: 9}
	l.Begin()
	l.Finish("enough")
	d := l.Done(search.Outcome{Trial: 0, Budget: 1, State: search.Paused, Values: []float64{1}})
	if len(d.Run) > 0 || len(d.Ended) != 1 || !l.Finished {
		t.Errorf("decided %+v, finished %v; want t0 ended", d, l.Finished)
	}
}

func TestLoopResize(t *testing.T) {
	l := &search.Loop{Scheduler: &pairs{}, Parallel: 2, Trials: 2}
	if d := l.Begin(); len(d.Run) != 2 {
		t.Fatalf("began with %+v", d)
	}
	if d := l.Resize(4, 3); len(d.Run) != 1 || d.Run[0].Trial != 2 {
		t.Errorf("resized to 4 slots and 3 trials: %+v, want t2", d)
	}
	if d := l.Resize(1, 9); len(d.Run) != 0 {
		t.Errorf("resized to 1 slot: %+v, want nothing", d)
	}
}

func ExampleLoop() {
	l := &search.Loop{Scheduler: &pairs{}, Parallel: 2, Trials: 2}
	loss := []float64{.4, .3}
	for d := l.Begin(); ; {
		for _, e := range d.Ended {
			fmt.Printf("%s %s: %s\n", search.TrialName(e.Trial), e.State, e.Reason)
		}
		for _, s := range d.Run {
			fmt.Printf("%s trains from %d to %d\n", search.TrialName(s.Trial), s.From, s.To)
		}
		if l.Finished {
			break
		}
		s := l.Running[slices.Min(keys(l.Running))] // a driver runs them at the same time
		d = l.Done(search.Outcome{Trial: s.Trial, Budget: s.To, State: search.Paused, Values: []float64{loss[s.Trial]}})
	}
	// Output:
	// t0000 trains from 0 to 1
	// t0001 trains from 0 to 1
	// t0000 stopped: the worse of two
	// t0001 trains from 1 to 2
	// t0001 completed: trained to 2
}

func keys(m map[int]search.Segment) (out []int) {
	for k := range m {
		out = append(out, k)
	}
	return out
}
