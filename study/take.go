package study

import (
	"time"

	"budwood/search"
	"budwood/trials/segment"
)

// Outcome is how a segment ended that a driver has run.
type Outcome struct {
	Segment  search.Segment
	Trial    search.Trial
	Result   *segment.Result
	Alone    bool // this trial was stopped, and not the study
	Recalled bool // an earlier run of the program had recorded it: it says nothing of what is to come
}

// Take takes the outcome of a segment: into what is spent, the leaderboard, the front
// and the loop. It may close the search, because the energy is spent or too many trials
// have failed.
func (p *Progress) Take(o Outcome, now time.Time) search.Decision {
	var d search.Decision
	spec, seg, t, r := p.Spec, o.Segment, o.Trial, o.Result
	cut := r.State == search.Stopped && p.Stopping && !o.Alone && p.Loop.Settles // by the end of the study
	all := r.Cost(seg)
	more := *r // what is not counted yet
	more.Energy.Joules, more.Seconds = max(all.Joules-seg.Before.Joules, 0), max(all.Seconds-seg.Before.Seconds, 0)
	p.Spent.Joules += more.Energy.Joules
	p.Spent.Seconds += more.Seconds
	if !spec.evaluated(seg) {
		p.Spent.Epochs += max(all.Epochs-seg.Before.Epochs, 0)
	}
	if p.Loop.IsAside(t.ID) { // nothing of it counts
		more.Final = search.Measurement{}
	}
	fallen := p.Leaderboard.addToFront(spec.Objectives(), t, &more, spec.sharesWeights(seg))
	if spec.Compress != nil {
		p.Leaderboard.plan(t)
	}
	p.Forget(append(fallen, p.Leaderboard.add(spec.Objective, t, &more)...)...)
	if r.State.Ended() && !cut {
		p.Forget(t.ID)
	}
	if why := p.energySpent(); why != "" && p.Loop.Closing == "" && !p.Loop.Final {
		d = p.Finish(why, true)
	}
	if why := spec.failing(&p.Leaderboard, t, r); why != "" && !o.Recalled && p.Loop.Closing == "" && !p.Loop.Final {
		d.Add(p.Finish(why, false))
	}
	if cut {
		d.Add(p.Loop.Interrupt(t.ID, all))
		return d
	}
	if !o.Recalled {
		p.Conclude(p.Loop.Settling, now)
	}
	d.Add(p.Loop.Done(r.Outcome(t.ID, spec.Objectives())))
	return d
}

// Saw takes the time of a segment into the throughput, unless it is like none that
// follows.
func (p *Progress) Saw(seg search.Segment, r *segment.Result) {
	p.sawRanks(seg, r)
	if !p.Spec.TrainsShared(seg.Trial) {
		p.Throughput.Add(r.Budget-seg.From, r.Seconds)
	}
}

// End takes final states of paused trials.
func (p *Progress) End(ended []search.Ending) {
	p.Leaderboard.end(ended)
	for _, e := range ended {
		p.Forget(e.Trial)
	}
}

// Forget lets go of the checkpoints of trials that ended, unless they are on the
// leaderboard, may be on the front or can be inherited from; those go when the study
// ends.
func (p *Progress) Forget(list ...int) {
	if p.Spec.Search.Inherit {
		return
	}
	for _, t := range list {
		if !p.Leaderboard.Has(t) && !p.Spec.TrainsShared(t) {
			p.Drop = append(p.Drop, t)
		}
	}
}
