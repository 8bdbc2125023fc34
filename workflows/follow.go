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
	stopped  bool // it alone is to end
	ending   bool // the study's end stops it
	results  []segment.Result
	err      error
}

// watchWorkers says so if trials wait and no worker can take them: soon after
// the study began, and then when nothing has come home for ever longer.
func (s *studyRun) watchWorkers(ctx workflow.Context) {
	if s.in.Spec.Mesh.Ranks.Several() { // gangs know better what they wait for
		return
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		for patience := 3 * time.Second; ; patience = min(2*patience, 10*time.Minute) {
			seen := s.reports
			timer := workflow.NewTimerWithOptions(ctx, patience, workflow.TimerOptions{Summary: "are there workers?"})
			if timer.Get(ctx, nil) != nil || s.Loop.Finished {
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
		s.Waiting = append(s.Waiting, d.Run...)
		if s.drain || s.Loop.Held && s.Loop.Closing == "" || s.Stopping && s.Loop.Finished || len(s.Waiting) == 0 {
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
	s.End(ended)
	return workflow.ExecuteLocalActivity(local(ctx), endTrials, s.in.Spec.Name, ended).Get(ctx, nil)
}

// start proposes for and starts everything that waits. If the sampler has no
// more candidates, the loop is told, and what it decides is returned.
func (s *studyRun) start(ctx workflow.Context) (search.Decision, error) {
	in := s.Next()
	var found []search.Trial
	if err := workflow.ExecuteLocalActivity(s.proposing(ctx), startSegments, in).Get(ctx, &found); err != nil {
		return search.Decision{}, err
	}
	stopping := s.Stopping
	segments, of, d := s.Started(in, found)
	if stopping && !s.Stopping {
		s.trials, s.cancel = workflow.WithCancel(s.root)
	}
	for _, c := range s.batches(segments, of) {
		s.run(ctx, c)
	}
	return d, nil
}

// run starts to train what belongs together.
func (s *studyRun) run(ctx workflow.Context, c *child) {
	spec := &s.in.Spec
	in := trialInput{Model: spec.Model(), Command: spec.Program(), Queue: s.trainQueue(), MaxRetries: spec.MaxRetries, Priority: spec.Search.Priority, Drop: s.Drop}
	s.Drop = nil
	if spec.Mesh.Ranks.Several() {
		in.Needs, in.Beside = spec.Resources, s.Before(c.segments[0])
	}
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
	future := workflow.ExecuteChildWorkflow(trialOptions(s.trials, in), trialType, in)
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
			c.results[i] = segment.Result{State: search.Stopped, Budget: seg.From, Reason: s.Loop.Closing} // what it has is on the leaderboard
			ended = append(ended, search.Ending{Trial: seg.Trial, State: search.Stopped, Reason: s.Loop.Closing})
		}
		if err := workflow.ExecuteLocalActivity(local(ctx), endTrials, s.in.Spec.Name, ended).Get(ctx, nil); err != nil {
			return search.Decision{}, err
		}
	} else if c.err != nil {
		return search.Decision{}, fmt.Errorf("trial %s: %w", search.TrialName(c.segments[0].Trial), c.err)
	}
	for i, seg := range c.segments {
		s.Saw(seg, &c.results[i])
	}
	s.Loop.Parallel = s.slots()
	stopping := s.Stopping
	var d search.Decision
	for i, seg := range c.segments {
		d.Add(s.Take(study.Outcome{Segment: seg, Trial: c.trials[i], Result: &c.results[i], Alone: c.stopped}, workflow.Now(s.root)))
	}
	s.stopRunning(ctx, stopping)
	return d, nil
}

// stopRunning stops what runs if the progress wants it to, which it did not before.
func (s *studyRun) stopRunning(ctx workflow.Context, before bool) {
	switch {
	case before || !s.Stopping:
		return
	case s.Rules < 1:
		s.cancel()
		return
	}
	for _, t := range workflow.DeterministicKeys(s.children) {
		c := s.children[t]
		if c.ending || c.stopped {
			continue
		}
		c.ending = true
		why := s.Loop.Closing
		workflow.Go(ctx, func(ctx workflow.Context) { _ = c.stop(ctx, why) }) // one that has ended meanwhile comes home
	}
}
