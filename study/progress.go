package study

import (
	"encoding/json"
	"slices"
	"time"

	"budwood/search"
)

// Rules is the version of the rules of studies that begin now. Histories of
// older versions have none; what has changed since depends on it:
//
//   - 1: segments that run are stopped with a reason, not cancelled without one, and a
//     study whose budget is spent when it is submitted again begins nothing.
//   - 2: ASHA learns whether its first rungs can be trusted.
const Rules = 2

// Progress is where a study stands, and the policies by which it goes on. Both drivers,
// [Local] and the study workflow, tell it what has happened and carry out what it
// decides, so that they decide the same. It does no I/O and reads no clock.
type Progress struct {
	Spec        *Spec
	Loop        *search.Loop
	Leaderboard Leaderboard
	Spent       Spent
	Throughput  Throughput
	Given       []Candidate      // candidates of the user, to be tried next
	Waiting     []search.Segment // decided, not started
	Drop        []int            // trials whose checkpoints nobody needs any more
	ByUser      bool             // the user ended the study, not a budget
	Stopping    bool             // the segments that run are to be stopped: see Finish
	Began       time.Time        // as if it had run all the time since
	Rules       int
	Beside      map[int]Beside // trials that gangs train
}

// Begin is the progress of a study of which the store knows so much: one that begins,
// or goes on after its end. [Progress.Open] is to be called next.
func Begin(spec *Spec, known *BeginResult, now time.Time) (*Progress, search.Decision, error) {
	var d search.Decision
	if known.Saved.FromStart() {
		p := &Progress{Spec: spec, Loop: spec.newLoop(known.Settles, known.Rules), Began: now, Rules: known.Rules}
		if known.Saved != nil {
			p.Began = now.Add(-known.Saved.Elapsed)
		}
		return p, p.SetAside(known.Aside), nil
	}
	p, err := Continue(spec, known.Saved, now)
	if err != nil {
		return nil, d, err
	}
	p.Leaderboard.revive(p.Loop.Reopen())
	p.Loop.Prefer(p.Leaderboard.order())
	p.Loop.Held, p.Loop.Settles, p.ByUser, p.Rules = false, known.Settles, false, known.Rules
	return p, p.SetAside(known.Aside), nil
}

// Continue is the progress of a study that goes on where it was, without having ended.
func Continue(spec *Spec, s *State, now time.Time) (*Progress, error) {
	loop, err := spec.restore(s)
	if err != nil {
		return nil, err
	}
	return &Progress{
		Spec: spec, Loop: loop, Leaderboard: s.Leaderboard, Spent: s.Spent, Throughput: s.Throughput, Given: s.Given, Waiting: s.Waiting,
		ByUser: s.ByUser, Began: now.Add(-s.Elapsed), Rules: s.Rules, Beside: s.Beside,
	}, nil
}

// Open offers so many slots for the first time. A study that has spent its budget
// begins nothing that belongs to its search.
func (p *Progress) Open(slots int, now time.Time) search.Decision {
	if p.Rules >= 1 {
		if why := p.overspent(now); why != "" {
			p.Loop.Parallel, p.Loop.Trials = slots, p.Spec.Budget.Trials
			return p.Finish(why, false)
		}
	}
	return p.Loop.Resize(slots, p.Spec.Budget.Trials)
}

// State is what the study goes on from.
func (p *Progress) State(now time.Time) (*State, error) {
	scheduler, err := json.Marshal(p.Loop.Scheduler)
	return &State{
		Loop: *p.Loop, Scheduler: scheduler, Leaderboard: p.Leaderboard, Spent: p.Spent, Throughput: p.Throughput, ByUser: p.ByUser,
		Elapsed: now.Sub(p.Began), Given: p.Given, Waiting: p.Waiting, Rules: p.Rules, Beside: p.Beside,
	}, err
}

// Next takes what waits to be started, with the candidates that the user gave for new
// trials.
func (p *Progress) Next() StartInput {
	in := StartInput{Study: p.Spec.Name, Segments: p.Waiting}
	p.Waiting = nil
	for _, seg := range in.Segments {
		if seg.From == 0 && seg.Cuts == 0 && !seg.Again && len(p.Given) > 0 {
			if in.Given == nil {
				in.Given = map[int]search.Trial{}
			}
			in.Given[seg.Trial] = p.Given[0].Trial(seg.Trial)
			p.Given = p.Given[1:]
		}
	}
	return in
}

// Started takes the trials that the recorder has for segments. Those that have one are
// to be run, in their order; for the others there are no candidates, and what the loop
// decides about that is returned.
func (p *Progress) Started(in StartInput, found []search.Trial) (segments []search.Segment, of []search.Trial, d search.Decision) {
	if p.Stopping && p.Loop.Final && !p.ByUser { // the search was cut short; what follows it is not
		p.Stopping = false
	}
	trialOf := map[int]search.Trial{}
	for _, t := range found {
		trialOf[t.ID] = t
	}
	for _, seg := range in.Segments {
		if t, ok := trialOf[seg.Trial]; ok {
			segments, of = append(segments, seg), append(of, t)
		} else {
			d.Add(p.Loop.Exhausted(seg.Trial))
		}
	}
	return segments, of, d
}

// SetAside takes over which trials are set aside, and who is the best without them; nil
// changes nothing.
func (p *Progress) SetAside(now *AsideResult) search.Decision {
	if now == nil {
		return search.Decision{}
	}
	p.Leaderboard.setAside(now)
	p.Drop = slices.DeleteFunc(p.Drop, p.Leaderboard.Has)
	top := make([]search.Scored, len(now.Top))
	for i, r := range now.Top {
		top[i] = search.Scored{Trial: r.Trial, Loss: p.Spec.Objective.Goal.Loss(r.Value)}
	}
	return p.Loop.SetAside(now.Trials, top)
}
