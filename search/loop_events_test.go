package search_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"budwood/search"
)

// script is a scheduler that answers with what a test says, and remembers what it heard.
type script struct {
	heard  []search.Event
	answer func(search.Event) []search.Action
}

func (s *script) Step(e search.Event) []search.Action {
	s.heard = append(s.heard, e)
	if s.answer == nil {
		return nil
	}
	return s.answer(e)
}

// take returns what was heard since the last time.
func (s *script) take() []search.Event {
	out := s.heard
	s.heard = nil
	return out
}

// starter starts trials in all free slots, to budget 1, and does nothing else.
func starter() *script {
	next := 0
	return &script{answer: func(e search.Event) (out []search.Action) {
		if f, ok := e.(search.Free); ok {
			for range min(f.Slots, f.New) {
				out = append(out, search.Start{Trial: next, Budget: 1})
				next++
			}
		}
		return out
	}}
}

func reported(trial, budget int, value float64) search.Outcome {
	return search.Outcome{Trial: trial, Budget: budget, State: search.Paused, Values: []float64{value}}
}

func wantEvents(t *testing.T, s *script, want ...search.Event) {
	t.Helper()
	if got := s.take(); !reflect.DeepEqual(got, want) {
		t.Errorf("the scheduler heard %+v, want %+v", got, want)
	}
}

// A study runs one segment at a time unless it says otherwise, and a scheduler is
// told what is free, and how many trials are left.
func TestLoopOffersSlots(t *testing.T) {
	s := starter()
	l := &search.Loop{Scheduler: s, Trials: 2}
	if d := l.Begin(); len(d.Run) != 1 || l.Parallel != 1 {
		t.Fatalf("%+v with %d in parallel", d, l.Parallel)
	}
	wantEvents(t, s, search.Free{Slots: 1, New: 2})
	l.Done(reported(0, 1, .5))
	wantEvents(t, s, search.Reported{Trial: 0, Budget: 1, Values: []float64{.5}}, search.Free{Slots: 1, New: 1})
	if d := l.Resize(0, 5); len(d.Run) != 0 || l.Parallel != 1 {
		t.Errorf("%+v with %d in parallel", d, l.Parallel)
	}
	wantEvents(t, s)
	if d := l.Resize(3, 3); len(d.Run) != 1 {
		t.Errorf("%+v, want one more trial", d)
	}
	wantEvents(t, s, search.Free{Slots: 2, New: 1})
	if d := l.Resize(3, 1); len(d.Run) != 0 || l.Started != 3 {
		t.Errorf("%+v after %d trials", d, l.Started)
	}
	wantEvents(t, s, search.Free{Slots: 1})
	// A second report of a segment, or one of a trial that there is not, is no news.
	for _, o := range []search.Outcome{reported(0, 1, .5), reported(9, 1, .5)} {
		if d := l.Done(o); !reflect.DeepEqual(d, search.Decision{}) {
			t.Errorf("%+v", d)
		}
	}
	if d := l.Exhausted(9); !reflect.DeepEqual(d, search.Decision{}) {
		t.Errorf("%+v", d)
	}
	if d := l.Interrupt(9, search.Cost{}); !reflect.DeepEqual(d, search.Decision{}) || l.Cut != nil {
		t.Errorf("%+v", d)
	}
	wantEvents(t, s)
}

// While a study is held nothing begins and it does not end; what was decided by
// then begins when it goes on.
func TestLoopHeld(t *testing.T) {
	s := starter()
	l := &search.Loop{Scheduler: s, Parallel: 1, Trials: 1}
	l.Begin()
	l.Pause()
	s.take()
	if d := l.Done(search.Outcome{Trial: 0, Budget: 1, State: search.Completed, Values: []float64{.5}}); len(d.Run)+len(d.Ended) > 0 || l.Finished {
		t.Errorf("%+v, finished %v: it is held", d, l.Finished)
	}
	wantEvents(t, s, search.Ended{Trial: 0, Budget: 1, State: search.Completed, Values: []float64{.5}})
	l.Trials = 2
	if d := l.Resume(); len(d.Run) != 1 || l.Held {
		t.Errorf("%+v: trial 1 begins", d)
	}
	wantEvents(t, s, search.Free{Slots: 1, New: 1})
	// The end of a study does not wait for whoever holds it.
	l.Pause()
	l.Finish("the time is over")
	l.Done(reported(1, 1, .5))
	if !l.Finished {
		t.Error("closed, held, and not finished")
	}
}

// Before a study ends its best trial is trained to the end: the scheduler is asked
// when nothing runs, or, if the study concludes, as soon as there is a slot, and
// hears which trials run or will.
func TestLoopAsksToSettle(t *testing.T) {
	resume := map[int]bool{1: true}
	s := starter()
	start := s.answer
	s.answer = func(e search.Event) []search.Action {
		if _, ok := e.(search.Settle); ok {
			for _, trial := range []int{1, 0} {
				if resume[trial] {
					delete(resume, trial)
					return []search.Action{search.Resume{Trial: trial, Budget: 3, Reason: "the best"}}
				}
			}
		}
		return start(e)
	}
	l := &search.Loop{Scheduler: s, Parallel: 2, Trials: 3, Settles: true}
	l.Begin()
	l.Done(reported(0, 1, .5))
	s.take()
	if d := l.Done(reported(1, 1, .4)); len(d.Run) != 0 {
		t.Errorf("%+v: t2 runs still, and may be better", d)
	}
	wantEvents(t, s, search.Reported{Trial: 1, Budget: 1, Values: []float64{.4}}, search.Free{Slots: 1})
	l.Settling = "the energy is spent"
	d := l.Resize(2, 3)
	if want := []search.Segment{{Trial: 1, From: 1, To: 3, Reason: "the best"}}; !reflect.DeepEqual(d.Run, want) {
		t.Errorf("%+v, want %+v", d.Run, want)
	}
	wantEvents(t, s, search.Settle{Running: []int{2}})
	if d := l.Resize(2, 3); len(d.Run) != 0 {
		t.Errorf("%+v in two slots that are taken", d.Run)
	}
	wantEvents(t, s)
	// A trial whose user stopped it ends instead, and the next one is asked for.
	l.Done(reported(2, 1, .3))
	s.take()
	resume[0] = true
	if _, ok := l.StopTrial(0, "the user said so"); !ok {
		t.Fatal("t0 is not paused")
	}
	if _, ok := l.StopTrial(0, "again"); ok {
		t.Error("t0 is stopped twice")
	}
	if _, ok := l.StopTrial(1, "while it runs"); ok {
		t.Error("t1, which runs, is stopped as if it were paused")
	}
	l.Resize(2, 3)
	for _, e := range s.heard {
		if _, free := e.(search.Free); free {
			t.Errorf("%+v, though the study concludes", e)
		}
	}
	s.heard = s.heard[:min(3, len(s.heard))] // as long as a slot is free it may be asked again
	wantEvents(t, s, search.Settle{Running: []int{1}}, search.Ended{Trial: 0, Budget: 1, State: search.Stopped}, search.Settle{Running: []int{1}})
	// What is closed settles nothing more.
	l.Finish("enough")
	wantEvents(t, s)
	d = l.Done(reported(1, 3, .2))
	if want := []search.Ending{{Trial: 1, State: search.Stopped, Reason: "paused at 3 when the study ended"},
		{Trial: 2, State: search.Stopped, Reason: "paused at 1 when the study ended"}}; !reflect.DeepEqual(d.Ended, want) || !l.Finished {
		t.Errorf("%+v, want %+v", d.Ended, want)
	}
	wantEvents(t, s, search.Reported{Trial: 1, Budget: 3, Values: []float64{.2}}, search.Closed{})
	// Without Settles nobody is asked.
	s = starter()
	l = &search.Loop{Scheduler: s, Parallel: 1, Trials: 1}
	l.Begin()
	l.Done(reported(0, 1, .5))
	wantEvents(t, s, search.Free{Slots: 1, New: 1}, search.Reported{Trial: 0, Budget: 1, Values: []float64{.5}}, search.Free{Slots: 1}, search.Closed{})
}

// A study that goes on has its paused trials, and what its end interrupted: those
// begin first, count as running, and end for good with a user's word.
func TestLoopGoesOnWithWhatWasCut(t *testing.T) {
	s := starter()
	l := &search.Loop{Scheduler: s, Parallel: 3, Trials: 3, Settles: true}
	l.Begin()
	l.Done(reported(1, 1, .5))
	l.Finish("the time is over")
	cost := search.Cost{Epochs: 1, Joules: 2, Seconds: 3}
	l.Interrupt(2, cost)
	if l.Interrupt(0, search.Cost{}); !l.Finished {
		t.Fatal("not finished")
	}
	if left := l.Reopen(); !slices.Equal(left, []int{0, 1, 2}) || l.Closing != "" || l.Finished || l.Final {
		t.Errorf("%v are left; %+v", left, l)
	}
	l.Prefer([]int{7, 0})
	s.take()
	l.Pause()
	d := l.Resize(1, 3)
	if len(d.Run) > 0 {
		t.Errorf("%+v begins while the study is held", d.Run)
	}
	l.Running = nil // as after a trip through JSON
	if d = l.Resume(); len(d.Run) != 1 || d.Run[0].Trial != 0 || d.Run[0].Cuts != 1 || d.Run[0].To != 1 {
		t.Errorf("%+v, want t0, which is preferred, once more", d.Run)
	}
	wantEvents(t, s)
	l.Settling = "the energy is spent"
	l.Resize(2, 3) // t2 goes on before anybody else is asked for
	wantEvents(t, s, search.Settle{Running: []int{0, 2}})
	if seg := l.Running[2]; seg.Before != cost || seg.Cuts != 1 || len(l.Owed) != 0 {
		t.Errorf("%+v goes on", seg)
	}
	l.Settling = ""
	l.Finish("over again")
	l.Interrupt(2, cost)
	l.Interrupt(0, cost)
	l.Reopen()
	s.take()
	// Two wait for a slot; one of them is stopped, which is the first of the list.
	l.Prefer([]int{2})
	if l.Owed[0].Trial != 2 || l.Owed[1].Trial != 0 {
		t.Fatalf("%+v", l.Owed)
	}
	if d, ok := l.StopTrial(2, "no more of it"); !ok || !reflect.DeepEqual(d.Ended, []search.Ending{{Trial: 2, State: search.Stopped, Reason: "no more of it"}}) {
		t.Errorf("%+v, %v", d, ok)
	}
	wantEvents(t, s, search.Ended{Trial: 2, State: search.Stopped})
	if left := l.Left(); !slices.Equal(left, []int{0, 1}) {
		t.Errorf("%v are left", left)
	}
	if _, ok := l.StopTrial(1, "nor of this"); !ok {
		t.Error("t1 is not paused")
	}
	if left := l.Left(); !slices.Equal(left, []int{0}) {
		t.Errorf("%v are left", left)
	}
	d = l.Finish("the end")
	if want := []search.Ending{{Trial: 0, State: search.Stopped, Reason: "paused at 0 when the study ended"}}; !reflect.DeepEqual(d.Ended, want) {
		t.Errorf("%+v, want %+v: t1 has ended", d.Ended, want)
	}
	if got := l.Finish("twice"); len(got.Ended) > 0 || l.Closing != "the end" {
		t.Errorf("%+v: closed because of %q", got, l.Closing)
	}
}

// A space without further points ends the search with the trials that there are.
func TestLoopExhausted(t *testing.T) {
	s := starter()
	l := &search.Loop{Scheduler: s, Parallel: 2, Trials: 9}
	l.Begin()
	s.take()
	l.Exhausted(1)
	wantEvents(t, s, search.Ended{Trial: 1, State: search.Infeasible}, search.Free{Slots: 1})
	if l.Trials != 1 {
		t.Errorf("%d trials, want 1", l.Trials)
	}
	l.Trials = 0
	l.Done(reported(0, 1, .5))
	if !l.Finished {
		t.Error("not finished")
	}
}

// Whatever a scheduler says, a study that is closing starts nothing; it takes the
// ends of paused trials, each once.
func TestLoopClosingTakesOnlyEnds(t *testing.T) {
	s := starter()
	l := &search.Loop{Scheduler: s, Parallel: 2, Trials: 2}
	l.Begin()
	l.Done(reported(0, 1, .5))
	if _, ok := l.StopTrial(0, "the user said so"); !ok {
		t.Fatal("t0 is not paused")
	}
	l.Finish("enough")
	s.answer = func(e search.Event) []search.Action {
		return []search.Action{
			search.Resume{Trial: 0, Budget: 2}, search.Start{Trial: 2, Budget: 1},
			search.Stop{Trial: 1, Completed: true, Reason: fmt.Sprintf("%T", e)}, search.Stop{Trial: 0, Reason: "late"},
		}
	}
	d := l.Done(search.Outcome{Trial: 1, Budget: 1, State: search.Paused, Values: []float64{.1}})
	if len(d.Run) > 0 || len(l.Running) > 0 || d.Ended[0] != (search.Ending{Trial: 1, State: search.Completed, Reason: "search.Reported"}) {
		t.Errorf("%+v", d)
	}
	for _, e := range d.Ended {
		if e.Trial == 0 && e.Reason != "late" {
			t.Errorf("%+v: its end is on record", e)
		}
	}
	if len(l.Halted) > 0 {
		t.Errorf("%v wait to be ended", l.Halted)
	}
}

// Those that are trained again have numbers between those that the scheduler
// counts; it hears its own.
func TestLoopNumbersAroundWhatIsTrainedAgain(t *testing.T) {
	s := starter()
	l := &search.Loop{Scheduler: s, Parallel: 1, Trials: 1, Settles: true, Retrain: search.Retrain{Best: 2, Budget: 4}}
	finish := func() {
		for n := 0; !l.Finished; n++ {
			if n == 20 {
				t.Fatalf("the study does not end: %+v", l)
			}
			for id, seg := range l.Running {
				l.Done(search.Outcome{Trial: id, Budget: seg.To, State: search.Completed, Values: []float64{float64(10 - id)}})
			}
		}
	}
	l.Begin()
	l.Done(search.Outcome{Trial: 0, Budget: 1, State: search.Completed, Values: []float64{10}})
	if seg := l.Running[1]; l.Finished || seg != (search.Segment{Trial: 1, To: 4, Again: true, Like: 0}) {
		t.Fatalf("%+v runs, finished %v, want t0 again", l.Running, l.Finished)
	}
	finish()
	closed := 0
	for _, e := range s.take() {
		if e == (search.Closed{}) {
			closed++
		}
	}
	if closed != 1 {
		t.Errorf("the scheduler heard %d times that the search is over", closed)
	}
	l.Reopen()
	l.Resize(1, 2)
	finish()
	l.Reopen()
	s.take()
	l.Resize(1, 4)
	finish()
	if want := []search.Pair{{Trial: 1, Like: 0}, {Trial: 3, Like: 2}, {Trial: 6, Like: 5}, {Trial: 7, Like: 4}}; !reflect.DeepEqual(l.Again, want) {
		t.Errorf("trained again: %+v, want %+v", l.Again, want)
	}
	var ended []int
	for _, e := range s.take() {
		if e, ok := e.(search.Ended); ok {
			ended = append(ended, e.Trial)
		}
	}
	if !slices.Equal(ended, []int{2, 3}) {
		t.Errorf("the scheduler heard of %v, want the third and fourth that it started", ended)
	}
	if want := []search.Scored{{Trial: 5, Loss: 5}, {Trial: 4, Loss: 6}}; !reflect.DeepEqual(l.Top, want) {
		t.Errorf("the best are %+v, want %+v", l.Top, want)
	}
}

// The best are kept by the best value that each reached; what has no value, or no
// use, is none of them, and equals are in the order of their numbers.
func TestLoopKeepsTheBest(t *testing.T) {
	s := starter()
	l := &search.Loop{Scheduler: s, Parallel: 9, Trials: 9, Retrain: search.Retrain{Best: 4, Budget: 4, Goal: search.Maximize}}
	l.Begin()
	inf := 1e308
	done := func(trial int, state search.State, values ...float64) {
		l.Done(search.Outcome{Trial: trial, Budget: 1, State: state, Values: values})
	}
	done(8, search.Completed, .5)
	done(1, search.Paused, .5)
	done(2, search.Stopped, .7)
	done(3, search.Completed, inf*10)
	done(4, search.Completed, -inf*10)
	done(5, search.Diverged, .9)
	done(6, search.Failed, .9)
	done(7, search.Infeasible, .9)
	done(0, search.Completed)
	want := []search.Scored{{Trial: 2, Loss: -.7}, {Trial: 1, Loss: -.5}, {Trial: 8, Loss: -.5}}
	if !reflect.DeepEqual(l.Top, want) {
		t.Errorf("the best are %+v, want %+v", l.Top, want)
	}
	// The best value of a trial counts, not its last.
	s = starter()
	s.answer = func(e search.Event) []search.Action {
		switch e := e.(type) {
		case search.Free:
			if e.New == 2 {
				return []search.Action{search.Start{Trial: 0, Budget: 1}, search.Start{Trial: 1, Budget: 1}}
			}
		case search.Reported:
			if e.Budget == 1 {
				return []search.Action{search.Resume{Trial: e.Trial, Budget: 2}}
			}
		}
		return nil
	}
	l = &search.Loop{Scheduler: s, Parallel: 9, Trials: 2, Retrain: search.Retrain{Best: 2, Budget: 4}}
	l.Begin()
	for _, o := range []search.Outcome{reported(0, 1, .2), reported(0, 2, .6), reported(1, 1, .5)} {
		l.Done(o)
	}
	if want := []search.Scored{{Trial: 0, Loss: .2}, {Trial: 1, Loss: .5}}; !reflect.DeepEqual(l.Top, want) {
		t.Errorf("the best are %+v, want %+v", l.Top, want)
	}
	// One alone, and what takes its place when it is set aside.
	s = starter()
	l = &search.Loop{Scheduler: s, Parallel: 9, Trials: 3, Retrain: search.Retrain{Best: 1, Budget: 4}}
	l.Begin()
	done(0, search.Paused, .5)
	done(2, search.Paused, inf*10-inf*10) // not a number
	done(1, search.Paused, .4)
	if want := []search.Scored{{Trial: 1, Loss: .4}}; !reflect.DeepEqual(l.Top, want) {
		t.Errorf("the best is %+v, want %+v", l.Top, want)
	}
	l.SetAside([]int{1}, []search.Scored{{Trial: 0, Loss: .5}, {Trial: 2, Loss: .6}})
	if want := []search.Scored{{Trial: 0, Loss: .5}}; !reflect.DeepEqual(l.Top, want) || !l.IsAside(1) || l.IsAside(0) {
		t.Errorf("the best is %+v, want %+v", l.Top, want)
	}
	if l.SetAside([]int{0, 1}, nil); len(l.Top) != 0 {
		t.Errorf("the best is %+v, and all are set aside", l.Top)
	}
}
