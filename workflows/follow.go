package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
	"budwood/trials/segment"
)

// child is what is trained together: in a trial workflow, or within the study's.
type child struct {
	segments []search.Segment
	trials   []search.Trial
	within   bool
	stop     func(ctx workflow.Context, why string) error
	stopped  bool // its end was asked for
	results  []segment.Result
	err      error
}

// watchWorkers says so if trials wait and no worker can take them: soon after
// the study began, and then when nothing has come home for ever longer.
func (s *studyRun) watchWorkers(ctx workflow.Context) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		for patience := 3 * time.Second; ; patience = min(2*patience, 10*time.Minute) {
			seen := s.reports
			timer := workflow.NewTimerWithOptions(ctx, patience, workflow.TimerOptions{Summary: "are there workers?"})
			if timer.Get(ctx, nil) != nil || s.loop.Finished {
				return
			}
			if s.running > 0 && s.reports == seen {
				s.checkWorkers(ctx)
			}
		}
	})
}

// checkWorkers notes whether anybody can train the study's trials. That it
// could not be told is no reason to end the study.
func (s *studyRun) checkWorkers(ctx workflow.Context) {
	var note string
	err := workflow.ExecuteLocalActivity(local(ctx), checkWorkers, s.in.Spec.Name, s.trainQueue(), s.in.Spec.Resources).Get(ctx, &note)
	if err != nil || note == s.note {
		return
	}
	s.note = note
	s.details(ctx)
}

// follow carries out a decision: it records the endings, proposes candidates
// for new trials, and starts the segments.
func (s *studyRun) follow(ctx workflow.Context, d search.Decision) error {
	for {
		if err := s.end(ctx, d.Ended); err != nil {
			return err
		}
		s.waiting = append(s.waiting, d.Run...)
		if s.drain || s.loop.Held && s.loop.Closing == "" || s.stopping && s.loop.Finished || len(s.waiting) == 0 {
			break
		}
		more, err := s.start(ctx)
		if err != nil {
			return err
		}
		if len(more.Run) == 0 && len(more.Ended) == 0 {
			break
		}
		d = more
	}
	s.details(ctx)
	return nil
}

// end records final states of paused trials.
func (s *studyRun) end(ctx workflow.Context, ended []search.Ending) error {
	if len(ended) == 0 {
		return nil
	}
	s.board.End(ended)
	for _, e := range ended {
		s.forget(e.Trial)
	}
	return workflow.ExecuteLocalActivity(local(ctx), endTrials, s.in.Spec.Name, ended).Get(ctx, nil)
}

// forget lets go of the checkpoints of trials that ended, unless they are on the
// leaderboard, may be on the front or can be inherited from; those go when the study ends. The next
// worker that is asked to train removes them.
func (s *studyRun) forget(trials ...int) {
	if s.in.Spec.Search.Inherit {
		return
	}
	for _, t := range trials {
		if !s.board.Has(t) && !s.in.Spec.TrainsShared(t) {
			s.drop = append(s.drop, t)
		}
	}
}

// start proposes for and starts everything that waits. If the sampler has no
// more candidates, the loop is told, and what it decides is returned.
func (s *studyRun) start(ctx workflow.Context) (search.Decision, error) {
	in := study.StartInput{Study: s.in.Spec.Name, Segments: s.waiting}
	s.waiting = nil
	for _, seg := range in.Segments {
		if seg.From == 0 && seg.Cuts == 0 && !seg.Again && len(s.given) > 0 {
			if in.Given == nil {
				in.Given = map[int]search.Trial{}
			}
			in.Given[seg.Trial] = s.given[0].Trial(seg.Trial)
			s.given = s.given[1:]
		}
	}
	var found []search.Trial
	if err := workflow.ExecuteLocalActivity(s.proposing(ctx), startSegments, in).Get(ctx, &found); err != nil {
		return search.Decision{}, err
	}
	trialOf := map[int]search.Trial{}
	for _, t := range found {
		trialOf[t.ID] = t
	}
	if s.stopping && s.loop.Final && !s.byUser { // the search was cut short; what follows it is not
		s.stopping = false
		s.trials, s.cancel = workflow.WithCancel(s.root)
	}
	var out search.Decision
	var segments []search.Segment
	found = found[:0]
	for _, seg := range in.Segments {
		t, ok := trialOf[seg.Trial]
		if !ok {
			d := s.loop.Exhausted(seg.Trial)
			out.Run, out.Ended = append(out.Run, d.Run...), append(out.Ended, d.Ended...)
			continue
		}
		segments, found = append(segments, seg), append(found, t)
	}
	for _, c := range s.batches(segments, found) {
		s.run(ctx, c)
	}
	return out, nil
}

// run starts to train what belongs together.
func (s *studyRun) run(ctx workflow.Context, c *child) {
	spec := &s.in.Spec
	in := TrialInput{Model: spec.Model(), Command: spec.Program(), Queue: s.trainQueue(), MaxRetries: spec.MaxRetries, Priority: spec.Search.Priority, Drop: s.drop}
	s.drop = nil
	for i, seg := range c.segments {
		in.Tasks = append(in.Tasks, spec.Task(seg, c.trials[i]))
		s.children[seg.Trial] = c
	}
	s.running++
	home := func() { s.inbox = append(s.inbox, event{home: c}) }
	if c.within {
		train, cancel := workflow.WithCancel(s.trials)
		reason := studyStopped
		c.stop = func(_ workflow.Context, why string) error {
			reason = why
			cancel()
			return nil
		}
		workflow.Go(train, func(train workflow.Context) {
			defer cancel()
			c.results, c.err = in.run(train, &reason)
			home()
		})
		return
	}
	future := workflow.ExecuteChildWorkflow(trialOptions(s.trials, in), TrialType, in)
	c.stop = func(ctx workflow.Context, why string) error {
		return future.SignalChildWorkflow(ctx, stopSignal, why).Get(ctx, nil)
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		c.err = future.Get(ctx, &c.results)
		home()
	})
}

// report takes the outcomes of a trial workflow: into the spending, the
// leaderboard and the loop.
func (s *studyRun) report(ctx workflow.Context, c *child) (search.Decision, error) {
	s.running--
	s.reports++
	for _, seg := range c.segments {
		delete(s.children, seg.Trial)
	}
	if s.note != "" { // somebody came
		s.checkWorkers(ctx)
	}
	if temporal.IsCanceledError(c.err) { // stopped before its workflow had begun
		c.results = make([]segment.Result, len(c.segments))
		var ended []search.Ending
		for i, seg := range c.segments {
			c.results[i] = segment.Result{State: search.Stopped, Budget: seg.From, Reason: s.loop.Closing} // what it has is on the leaderboard
			ended = append(ended, search.Ending{Trial: seg.Trial, State: search.Stopped, Reason: s.loop.Closing})
		}
		if err := workflow.ExecuteLocalActivity(local(ctx), endTrials, s.in.Spec.Name, ended).Get(ctx, nil); err != nil {
			return search.Decision{}, err
		}
	} else if c.err != nil {
		return search.Decision{}, fmt.Errorf("trial %s: %w", search.TrialName(c.segments[0].Trial), c.err)
	}
	for i, seg := range c.segments {
		if s.in.Spec.TrainsShared(seg.Trial) { // it is like none that follows
			continue
		}
		s.pace.Add(c.results[i].Budget-seg.From, c.results[i].Seconds)
	}
	s.loop.Parallel = s.slots()
	var out search.Decision
	for i := range c.segments {
		d := s.outcome(c, i)
		out.Run, out.Ended = append(out.Run, d.Run...), append(out.Ended, d.Ended...)
	}
	return out, nil
}

// outcome takes one segment's result.
func (s *studyRun) outcome(c *child, i int) search.Decision {
	spec, seg, t, r := &s.in.Spec, c.segments[i], c.trials[i], &c.results[i]
	cut := r.State == search.Stopped && s.stopping && !c.stopped && s.loop.Settles // by the end of the study
	all := r.Cost(seg)
	more := *r // what is not counted yet
	more.Energy.Joules, more.Seconds = max(all.Joules-seg.Before.Joules, 0), max(all.Seconds-seg.Before.Seconds, 0)
	s.spent.Joules += more.Energy.Joules
	s.spent.Seconds += more.Seconds
	if !spec.Judged(seg) {
		s.spent.Epochs += max(all.Epochs-seg.Before.Epochs, 0)
	}
	counted := s.counted(&more, t.ID)
	fallen := s.board.AddToFront(spec.Objectives(), t, counted, spec.SharesWeights(seg))
	s.forget(append(fallen, s.board.Add(spec.Objective, t, counted)...)...) // what fell off the leaderboard and the front
	if r.State.Ended() && !cut {
		s.forget(t.ID)
	}
	if limit := spec.Budget.EnergyWh; limit > 0 && s.spent.Joules/3600 >= limit && s.loop.Closing == "" && !s.loop.Final {
		s.close(fmt.Sprintf("the energy budget of %g Wh is spent", limit), true)
	}
	if why := spec.Failing(&s.board, t, r); why != "" && s.loop.Closing == "" && !s.loop.Final {
		s.close(why, false)
	}
	if cut {
		return s.loop.Interrupt(t.ID, all)
	}
	s.conclude(s.loop.Settling)
	return s.loop.Done(r.Outcome(t.ID, spec.Objectives()))
}
