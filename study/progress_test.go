package study

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials"
)

// policed is the progress of a study of trials of 4 epochs, two at a time.
func policed(edit func(*Spec)) *Progress {
	spec := &Spec{Name: "s", Objective: search.Objective{Metric: "loss"}, Search: Search{Scheduler: "none", Parallel: 2}, Budget: Budget{Trials: 9, Epochs: 4}}
	if edit != nil {
		edit(spec)
	}
	return &Progress{Spec: spec, Loop: spec.newLoop(true, Rules), Rules: Rules}
}

// run takes the result of the trial of one segment.
func (p *Progress) run(seg search.Segment, state search.State, loss float64) search.Decision {
	return p.Take(Outcome{Segment: seg, Trial: search.Trial{ID: seg.Trial}, Result: reported(state, 4, loss)}, p.Began)
}

// A study whose time or energy is spent when it is submitted again begins nothing; one
// with old rules does.
func TestOpenSpent(t *testing.T) {
	for _, c := range []struct {
		rules int
		after time.Duration
		spent float64
		want  string
	}{
		{1, time.Minute - 1, 3599, ""},
		{1, time.Minute, 0, "the time budget of 1m0s is spent"},
		{1, 0, 3600, "the energy budget of 1 Wh is spent"},
		{0, time.Hour, 3600, ""},
	} {
		p := policed(func(s *Spec) { s.Budget.Time, s.Budget.EnergyWh = Duration(time.Minute), 1 })
		p.Rules, p.Spent.Joules = c.rules, c.spent
		d := p.Open(3, p.Began.Add(c.after))
		want := 3
		if c.want != "" {
			want = 0
		}
		if len(d.Run) != want || p.Ending() != c.want || p.Stopping || p.Loop.Parallel != 3 || p.Loop.Trials != 9 {
			t.Errorf("%+v: %d segments, %q, %v, %d slots", c, len(d.Run), p.Ending(), p.Stopping, p.Loop.Parallel)
		}
	}
}

// The user's candidates are for new trials alone, each for one.
func TestNextGivesCandidates(t *testing.T) {
	p := policed(nil)
	p.Given = []Candidate{{Params: search.Params{"x": 1}}, {Params: search.Params{"x": 2}, Source: "me"}, {Params: search.Params{"x": 3}}}
	p.Waiting = []search.Segment{{Trial: 1, From: 2}, {Trial: 2}, {Trial: 3, Cuts: 1}, {Trial: 4, Again: true}, {Trial: 5}}
	in := p.Next()
	want := map[int]search.Trial{2: {ID: 2, Params: search.Params{"x": 1}, Source: "user"}, 5: {ID: 5, Params: search.Params{"x": 2}, Source: "me"}}
	if in.Study != "s" || len(in.Segments) != 5 || !reflect.DeepEqual(in.Given, want) || len(p.Given) != 1 || p.Waiting != nil {
		t.Errorf("%+v, and %v are left", in, p.Given)
	}
	p.Waiting = []search.Segment{{Trial: 6}}
	if in = p.Next(); in.Given[6].Params["x"] != 3 || len(p.Given) != 0 {
		t.Errorf("the last candidate: %+v", in)
	}
	if in = p.Next(); in.Given != nil || in.Segments != nil {
		t.Errorf("again: %+v", in)
	}
}

// Segments whose trial was found run, in their order; the loop hears of the others.
func TestStartedWithoutCandidates(t *testing.T) {
	p := policed(nil)
	d := p.Loop.Begin()
	segs, of, _ := p.Started(StartInput{Segments: d.Run}, []search.Trial{{ID: 1}, {ID: 0}})
	if len(segs) != 2 || segs[0].Trial != 0 || of[0].ID != 0 || segs[1].Trial != 1 || of[1].ID != 1 {
		t.Errorf("%+v, %+v", segs, of)
	}
	segs, of, _ = p.Started(StartInput{Segments: d.Run}, []search.Trial{{ID: 1}})
	if len(segs) != 1 || len(of) != 1 || segs[0].Trial != 1 || len(p.Loop.Running) != 1 {
		t.Errorf("%+v, %+v, and %v run", segs, of, p.Loop.Running)
	}
}

// What cut the search short does not stop the training that follows it, unless it was
// the user.
func TestStartedAfterTheSearch(t *testing.T) {
	for _, c := range []struct{ stopping, final, user, want bool }{
		{true, true, false, false}, {true, false, false, true}, {true, true, true, true}, {false, true, false, false},
	} {
		p := policed(nil)
		p.Stopping, p.Loop.Final, p.ByUser = c.stopping, c.final, c.user
		if p.Started(StartInput{}, nil); p.Stopping != c.want {
			t.Errorf("%+v: %v", c, p.Stopping)
		}
	}
}

// A study goes on from its state as it was.
func TestStateGoesOn(t *testing.T) {
	now := time.Unix(1000, 0)
	p := policed(nil)
	p.Began, p.Spent, p.Throughput, p.ByUser = now.Add(-time.Minute), Spent{1, 2, 3}, Throughput{4, 5}, true
	p.Given, p.Waiting = []Candidate{{Source: "me"}}, []search.Segment{{Trial: 7}}
	p.Leaderboard.Rows = []Row{{Trial: 3}}
	s, err := p.State(now)
	if err != nil || s.Elapsed != time.Minute {
		t.Fatalf("%+v, %v", s, err)
	}
	later := now.Add(time.Hour)
	q, err := Continue(p.Spec, s, later)
	if err != nil || !q.Began.Equal(later.Add(-time.Minute)) {
		t.Fatalf("%+v, %v", q, err)
	}
	q.Began, q.Loop = p.Began, p.Loop
	if !reflect.DeepEqual(p, q) {
		t.Errorf("%+v, want %+v", q, p)
	}
	s.Scheduler = json.RawMessage("[")
	if _, err := Continue(p.Spec, s, now); err == nil {
		t.Error("a scheduler that cannot be read was taken")
	}
	if _, _, err := Begin(p.Spec, &BeginResult{Saved: s}, now); err == nil {
		t.Error("a scheduler that cannot be read was taken")
	}
}

// A study that is submitted again goes on with what is known of it now; one without
// a state begins, with the time it had taken.
func TestBeginAgain(t *testing.T) {
	now := time.Unix(1000, 0)
	p := policed(nil)
	p.ByUser, p.Loop.Held, p.Rules, p.Began = true, true, 0, now
	s, err := p.State(now)
	if err != nil {
		t.Fatal(err)
	}
	q, _, err := Begin(p.Spec, &BeginResult{Saved: s, Settles: true, Rules: 1, Aside: &AsideResult{Trials: []int{4}, Top: []Row{{Trial: 6, Value: 2}}}}, now)
	if err != nil || q.ByUser || q.Loop.Held || !q.Loop.Settles || q.Rules != 1 || !q.Loop.IsAside(4) || q.Leaderboard.best() != 6 {
		t.Errorf("%+v, %v", q, err)
	}
	for _, saved := range []*State{nil, {Elapsed: time.Minute}, {Elapsed: time.Minute, Scheduler: json.RawMessage("null")}} {
		q, _, err := Begin(p.Spec, &BeginResult{Saved: saved, Settles: true, Rules: 1, Aside: &AsideResult{Trials: []int{4}}}, now)
		took := time.Duration(0)
		if saved != nil {
			took = time.Minute
		}
		if err != nil || !q.Began.Equal(now.Add(-took)) || !q.Loop.Settles || q.Rules != 1 || !q.Loop.IsAside(4) || q.Loop.Parallel != 2 {
			t.Errorf("%+v: %+v, %v", saved, q, err)
		}
	}
}

// Who is best again is not dropped, and losses are those of the goal.
func TestSetAsideKeepsTheBest(t *testing.T) {
	p := policed(func(s *Spec) { s.Objective.Goal, s.Retrain = search.Maximize, Retrain{Best: 1, Epochs: 4} })
	p.Drop = []int{2, 3}
	p.Loop.Begin()
	if d := p.SetAside(nil); d.Run != nil || d.Ended != nil || len(p.Drop) != 2 {
		t.Errorf("nothing was set aside: %+v, %v", d, p.Drop)
	}
	p.SetAside(&AsideResult{Trials: []int{1}, Top: []Row{{Trial: 2, Value: 5}}})
	if !slices.Equal(p.Drop, []int{3}) || !slices.Equal(p.Loop.Top, []search.Scored{{Trial: 2, Loss: -5}}) {
		t.Errorf("%v are dropped, and the best are %v", p.Drop, p.Loop.Top)
	}
}

// What was used adds up; the energy budget ends the search at its last joule and stops
// what runs.
func TestTakeSpends(t *testing.T) {
	p := policed(func(s *Spec) { s.Budget.EnergyWh = 10. / 3600 })
	d := p.Loop.Begin()
	p.run(d.Run[0], search.Completed, 1)
	if p.Spent != (Spent{Joules: 5, Epochs: 4, Seconds: 2}) || p.Ending() != "" || p.Stopping {
		t.Errorf("%+v, %q", p.Spent, p.Ending())
	}
	p.run(d.Run[1], search.Completed, 2)
	if !strings.HasPrefix(p.Ending(), "the energy budget of") || !p.Stopping {
		t.Errorf("%+v, %q, %v", p.Spent, p.Ending(), p.Stopping)
	}
}

// The segments of a study that is ended go on later; that of a trial which was stopped
// alone does not.
func TestTakeInterrupts(t *testing.T) {
	for _, c := range []struct {
		state                    search.State
		stopping, alone, settles bool
		cut                      int
	}{
		{search.Stopped, true, false, true, 1},
		{search.Stopped, false, false, true, 0},
		{search.Stopped, true, true, true, 0},
		{search.Stopped, true, false, false, 0},
		{search.Completed, true, false, true, 0},
	} {
		p := policed(nil)
		p.Loop.Settles = c.settles
		d := p.Loop.Begin()
		p.Stopping = c.stopping
		r := reported(c.state, 4, 1)
		r.Final.Metrics = nil // it is not on the leaderboard
		p.Take(Outcome{Segment: d.Run[0], Result: r, Alone: c.alone}, p.Began)
		if _, still := p.Loop.Running[0]; len(p.Loop.Cut) != c.cut || still || len(p.Drop) != 1-c.cut {
			t.Errorf("%+v: %v, and %v are dropped", c, p.Loop.Cut, p.Drop)
		}
	}
}

// Failures end the search, but nothing that runs; those that are known already and
// those in the training that follows it do not.
func TestTakeFailures(t *testing.T) {
	for _, c := range []struct {
		recalled, final bool
		closing, want   string
	}{
		{false, false, "", "1 trials failed, the last one t0000: it broke"},
		{true, false, "", ""}, {false, true, "", ""}, {false, false, "before", "before"},
	} {
		p := policed(func(s *Spec) { s.MaxFailed = 1 })
		d := p.Loop.Begin()
		p.Loop.Final, p.Loop.Closing = c.final, c.closing
		r := reported(search.Failed, 4, 1)
		r.Reason = "trial t0000: it broke"
		p.Take(Outcome{Segment: d.Run[0], Result: r, Recalled: c.recalled}, p.Began)
		if p.Loop.Closing != c.want || p.Stopping {
			t.Errorf("%+v: %q, %v", c, p.Loop.Closing, p.Stopping)
		}
	}
}

// Nothing of a trial that is set aside counts but what it has used.
func TestTakeAside(t *testing.T) {
	p := policed(nil)
	d := p.Loop.Begin()
	p.SetAside(&AsideResult{Trials: []int{0}})
	p.run(d.Run[0], search.Completed, 1)
	if p.Leaderboard.Has(0) || p.Spent.Joules != 5 || !slices.Equal(p.Drop, []int{0}) {
		t.Errorf("%+v, %+v, %v", p.Leaderboard, p.Spent, p.Drop)
	}
}

// The checkpoints of trials that ended go, unless something needs them.
func TestForget(t *testing.T) {
	p := policed(nil)
	p.Leaderboard.Rows = []Row{{Trial: 1}}
	p.Leaderboard.Front = []FrontRow{{Trial: 2}}
	if p.Forget(1, 2, 3); !slices.Equal(p.Drop, []int{3}) {
		t.Errorf("%v", p.Drop)
	}
	if p.End([]search.Ending{{Trial: 4, State: search.Stopped}, {Trial: 1, State: search.Stopped}}); !slices.Equal(p.Drop, []int{3, 4}) || p.Leaderboard.Rows[0].State != search.Stopped {
		t.Errorf("%v, %+v", p.Drop, p.Leaderboard.Rows)
	}
	p = policed(func(s *Spec) { s.Search.Inherit = true })
	if p.Forget(3); p.Drop != nil {
		t.Errorf("to inherit from: %v", p.Drop)
	}
	p = policed(func(s *Spec) { s.Search.Supernet = "fair" })
	if p.Forget(trials.SupernetTrial, trials.SupernetTrial+1); !slices.Equal(p.Drop, []int{trials.SupernetTrial + 1}) {
		t.Errorf("shared weights: %v", p.Drop)
	}
}

// The pace is that of segments like those that follow.
func TestSaw(t *testing.T) {
	p := policed(func(s *Spec) { s.Search.Supernet = "fair" })
	if p.Saw(search.Segment{Trial: trials.SupernetTrial}, reported(search.Completed, 4, 1)); p.Throughput.Segments != 0 {
		t.Errorf("shared weights: %+v", p.Throughput)
	}
	if p.Saw(search.Segment{Trial: trials.SupernetTrial + 1, From: 3}, reported(search.Completed, 4, 1)); p.Throughput != (Throughput{Segments: 1, Epoch: 2}) {
		t.Errorf("%+v", p.Throughput)
	}
}

// Less than a joule and a second count as what they are, and no epoch as none; so does
// what had been counted when a trial was cut.
func TestTakeSpendsLittle(t *testing.T) {
	p := policed(nil)
	d := p.Loop.Begin()
	r := reported(search.Failed, 0, 1)
	r.Energy.Joules, r.Seconds = .25, .5
	p.Take(Outcome{Segment: d.Run[0], Result: r}, p.Began)
	if p.Spent != (Spent{Joules: .25, Seconds: .5}) {
		t.Errorf("%+v", p.Spent)
	}
}

// A study that closes already, for whatever reason, lets its trials run to their end.
func TestTakeSpendsWhileClosing(t *testing.T) {
	p := policed(func(s *Spec) { s.Budget.EnergyWh = 1. / 3600 })
	d := p.Loop.Begin()
	p.Finish("before", false)
	if p.run(d.Run[0], search.Completed, 1); p.Stopping || p.Ending() != "before" {
		t.Errorf("%q, %v", p.Ending(), p.Stopping)
	}
}

// A result that was not known before may be the one after which the rest of the time is
// for the best.
func TestTakeConcludes(t *testing.T) {
	for recalled, want := range map[bool]bool{false: true, true: false} {
		p := policed(func(s *Spec) { s.Search.Scheduler, s.Budget.Time = "asha", Duration(100*time.Second) })
		p.Throughput.Segments = 1
		d := p.Loop.Begin()
		p.Take(Outcome{Segment: d.Run[0], Result: reported(search.Paused, 1, 1), Recalled: recalled}, p.Began.Add(99*time.Second))
		if got := p.Loop.Settling != ""; got != want {
			t.Errorf("known before: %v, concludes: %v", recalled, got)
		}
	}
}

// The user ends what follows the search as well; a budget does not.
func TestFinishByUser(t *testing.T) {
	for user, want := range map[bool]int{true: 0, false: 1} {
		p := policed(func(s *Spec) { s.Budget.Trials, s.Retrain = 2, Retrain{Best: 1, Epochs: 4} })
		d := p.Loop.Begin()
		p.run(d.Run[0], search.Completed, 1)
		p.ByUser = user
		p.Finish("why", false)
		if d = p.run(d.Run[1], search.Completed, 2); len(d.Run) != want {
			t.Errorf("by the user: %v: %+v", user, d.Run)
		}
	}
}

// What was cut goes on in the order of the leaderboard.
func TestBeginAgainWithTheBest(t *testing.T) {
	p := policed(nil)
	p.Loop.Cut = []search.Segment{{Trial: 1, To: 4}, {Trial: 2, To: 4}}
	p.Leaderboard.Rows = []Row{{Trial: 2}, {Trial: 1}}
	s, err := p.State(p.Began)
	if err != nil {
		t.Fatal(err)
	}
	q, _, err := Begin(p.Spec, &BeginResult{Saved: s, Settles: true}, p.Began)
	if err != nil {
		t.Fatal(err)
	}
	if d := q.Open(1, q.Began); len(d.Run) != 1 || d.Run[0].Trial != 2 {
		t.Errorf("%+v", d.Run)
	}
}

// The checkpoint of a trial that waits stays, even if it has no value yet.
func TestTakePaused(t *testing.T) {
	p := policed(nil)
	r := reported(search.Paused, 1, 1)
	r.Final.Metrics = nil
	if p.Take(Outcome{Segment: p.Loop.Begin().Run[0], Result: r}, p.Began); p.Drop != nil {
		t.Errorf("%v", p.Drop)
	}
}
