package workflows

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials/store"
)

// at asks for an update at a moment of the workflow's time and returns where
// its answer will be.
func (b *bench) at(t *testing.T, when time.Duration, update string, arg ...any) *reply {
	t.Helper()
	r := &reply{t: t}
	b.env.RegisterDelayedCallback(func() { b.env.UpdateWorkflow(update, fmt.Sprint(update, when, arg), r, arg...) }, when)
	return r
}

type reply struct {
	t        *testing.T
	status   Status
	err      error
	accepted bool
}

func (r *reply) Accept()          { r.accepted = true }
func (r *reply) Reject(err error) { r.err = err }
func (r *reply) Complete(v any, err error) {
	r.err = err
	if st, ok := v.(Status); ok {
		r.status = st
	}
}

func TestPauseAndResume(t *testing.T) {
	spec := studytest.Toy(t, "pause")
	spec.Search.Parallel = 2
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second)
	paused := b.at(t, 3500*time.Millisecond, PauseUpdate)
	again := b.at(t, 4*time.Second, PauseUpdate)
	hour := b.at(t, time.Hour, ResumeUpdate)
	begun := b.env.Now()
	r, records := b.run(t, spec)
	if paused.err != nil || again.err != nil || paused.status.State != "paused" || again.status.Running == 0 && paused.status.Running == 0 {
		t.Errorf("paused: %+v, %v; again: %+v, %v", paused.status, paused.err, again.status, again.err)
	}
	if hour.err != nil || hour.status.State != "running" || hour.status.Running != 0 {
		t.Errorf("an hour later: %+v, %v; want nothing running, and the study to go on", hour.status, hour.err)
	}
	if took := b.env.Now().Sub(begun); took < time.Hour {
		t.Errorf("the study took %v, and was paused for an hour", took)
	}
	if r.State != store.StudyCompleted || len(records) != spec.Budget.Trials {
		t.Errorf("%s after %d trials", r.State, len(records))
	}
}

func TestEdit(t *testing.T) {
	spec := studytest.Toy(t, "edit")
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second)
	trialsNow, parallel, few := 30, 3, 1
	limit := study.Duration(time.Hour)
	for name, e := range map[string]study.Edit{
		"budget.trials: ":     {Trials: &few},
		"space: x: the param": {Space: search.Space{search.Float("z", -1, 1)}},
		"search.parallel: ":   {Parallel: new(int(5000))},
		"constraints[0]: ":    {Constraints: &[]string{"x < z"}},
	} {
		r := b.at(t, 2500*time.Millisecond, EditUpdate, e)
		defer func() {
			if r.err == nil || r.accepted || len(r.err.Error()) < len(name) || r.err.Error()[:len(name)] != name {
				t.Errorf("edit: %v, want an error about %s", r.err, name)
			}
		}()
	}
	more := b.at(t, 3500*time.Millisecond, EditUpdate, study.Edit{
		Trials: &trialsNow, Parallel: &parallel, Time: &limit, Space: search.Space{search.Float("x", -9, 9)},
	})
	_, records := b.run(t, spec)
	if more.err != nil {
		t.Fatal(more.err)
	}
	if len(records) != trialsNow {
		t.Errorf("%d trials, want the edited budget of %d", len(records), trialsNow)
	}
	wider := slices.ContainsFunc(records, func(r search.Record) bool { x := r.Params["x"].(float64); return x < -5 || x > 5 })
	if !wider {
		t.Error("nothing was tried outside the old range")
	}
}

// A constraint that is added binds the trials after it, and one that is removed
// no more.
func TestEditConstraints(t *testing.T) {
	spec := studytest.Toy(t, "constrained")
	spec.Search.Sampler, spec.Search.Scheduler, spec.Search.Parallel, spec.Budget.Trials = "random", "none", 1, 40
	spec.Search.Batch = 1 // a trial a second
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second)
	added := b.at(t, 10500*time.Millisecond, EditUpdate, study.Edit{Constraints: &[]string{"x > 0"}})
	removed := b.at(t, 25500*time.Millisecond, EditUpdate, study.Edit{Constraints: &[]string{}})
	_, records := b.run(t, spec)
	if added.err != nil || removed.err != nil || !added.accepted || !removed.accepted {
		t.Fatalf("added: %v, %v; removed: %v, %v", added.accepted, added.err, removed.accepted, removed.err)
	}
	negative := func(of []search.Record) (n int) {
		for _, r := range of {
			if r.Params["x"].(float64) <= 0 {
				n++
			}
		}
		return n
	}
	if a, b, c := negative(records[:10]), negative(records[12:24]), negative(records[27:]); a == 0 || b > 0 || c == 0 {
		t.Errorf("%d, %d and %d trials break x > 0 before, while and after it holds", a, b, c)
	}
}

// A study whose time is shortened below what it has used ends.
// A range may shrink past what start_with was: that was tried before.
func TestEditPastStartWith(t *testing.T) {
	spec := studytest.Toy(t, "narrow")
	spec.Search.Sampler, spec.Search.Scheduler, spec.Search.Parallel, spec.Search.Batch, spec.Budget.Trials = "auto", "none", 1, 1, 12
	spec.StartWith = []search.Params{{"x": 4.}}
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second)
	narrow := b.at(t, 3500*time.Millisecond, EditUpdate, study.Edit{Space: search.Space{search.Float("x", -1, 1)}})
	_, records := b.run(t, spec)
	if narrow.err != nil || !narrow.accepted || len(records) != spec.Budget.Trials || records[0].Params["x"] != 4. {
		t.Fatalf("%v, %d trials, the first at %v", narrow.err, len(records), records[0].Params)
	}
	for _, r := range records[5:] {
		if x := r.Params["x"].(float64); x < -1 || x > 1 {
			t.Errorf("%s at %v after the edit", r.Name(), x)
		}
	}
}

func TestEditTime(t *testing.T) {
	spec := studytest.Toy(t, "hurry")
	spec.Budget.Time = study.Duration(time.Hour)
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second)
	limit := study.Duration(3 * time.Second)
	b.at(t, 5500*time.Millisecond, EditUpdate, study.Edit{Time: &limit})
	r, records := b.run(t, spec)
	wantEnded(t, b, spec, r, records, store.StudyCompleted, "the time budget of 3s is spent")
}

func TestAddAndStopTrial(t *testing.T) {
	spec := studytest.Toy(t, "one")
	spec.Search.Scheduler = "none"
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second)
	bad := b.at(t, 1500*time.Millisecond, AddTrialUpdate, study.Candidate{Params: search.Params{"y": 1}})
	added := b.at(t, 2500*time.Millisecond, AddTrialUpdate, study.Candidate{Params: search.Params{"x": 1}})
	none := b.at(t, 3*time.Second, StopTrialUpdate, StopTrialRequest{Trial: 99})
	_, records := b.run(t, spec)
	if bad.err == nil || none.err == nil || added.err != nil {
		t.Errorf("bad params: %v; no such trial: %v; good params: %v", bad.err, none.err, added.err)
	}
	i := slices.IndexFunc(records, func(r search.Record) bool { return r.Source == "user" })
	if len(records) != spec.Budget.Trials+1 || i < 0 || records[i].Params["x"] != 1. || records[i].State != search.Completed {
		t.Fatalf("%d trials, the added one at %d: %+v", len(records), i, records[max(i, 0)])
	}
}

// A paused trial that its user stops is never resumed, and has its reason.
func TestStopPausedTrial(t *testing.T) {
	spec := studytest.Toy(t, "halt")
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second)
	var stopped *reply
	b.env.RegisterDelayedCallback(func() {
		for _, r := range b.Stored(t, spec.Name) {
			if r.State == search.Paused {
				stopped = &reply{t: t}
				b.env.UpdateWorkflow(StopTrialUpdate, "s", stopped, StopTrialRequest{Trial: r.ID, Reason: "it is ugly"})
				return
			}
		}
	}, 4500*time.Millisecond)
	_, records := b.run(t, spec)
	if stopped == nil || stopped.err != nil {
		t.Fatalf("%+v", stopped)
	}
	n := 0
	for _, r := range records {
		if r.Reason == "it is ugly" && r.State == search.Stopped {
			n++
		}
	}
	if n != 1 || len(records) != spec.Budget.Trials {
		t.Errorf("%d of %d trials stopped by the user, want 1", n, len(records))
	}
}

// Trials that share a workflow are the trials of a study without batches that
// has as many in flight, and none is lost.
func TestBatch(t *testing.T) {
	spec := studytest.Toy(t, "batch")
	spec.Search.Parallel, spec.Search.Batch = 8, 4
	spec.Search.Sampler, spec.Search.Scheduler = "random", "none"
	_, records := newBench(t, studytest.Quadratic).run(t, spec)
	alone := studytest.Toy(t, "batch")
	alone.Search = spec.Search
	alone.Search.Batch = 0
	_, want := newBench(t, studytest.Quadratic).run(t, alone)
	if len(records) != len(want) {
		t.Fatalf("%d trials in batches, %d alone", len(records), len(want))
	}
	for i := range want {
		if want[i].State != records[i].State || want[i].Reason != records[i].Reason || !slices.Equal(names(want[i].Params), names(records[i].Params)) {
			t.Errorf("alone %+v\nin a batch %+v", want[i], records[i])
		}
	}
}

func names(p search.Params) []string {
	var out []string
	for _, k := range p.Names() {
		out = append(out, fmt.Sprint(k, p[k]))
	}
	return out
}
