package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/trials"
)

// childDone is a trial workflow that came home.
type childDone struct {
	segment search.Segment
	trial   search.Trial
	result  trials.Result
	err     error
	wake    bool // no trial: the study was closed while nothing ran
	ended   []search.Ending
}

// follow carries out a decision: it records the endings, proposes candidates
// for new trials, and starts the segments.
func (s *study) follow(ctx workflow.Context, d search.Decision) error {
	for {
		if err := s.end(ctx, d.Ended); err != nil {
			return err
		}
		s.waiting = append(s.waiting, d.Run...)
		if s.drain || s.stopping && s.loop.Finished || len(s.waiting) == 0 {
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
func (s *study) end(ctx workflow.Context, ended []search.Ending) error {
	if len(ended) == 0 {
		return nil
	}
	s.board.end(ended)
	return workflow.ExecuteLocalActivity(local(ctx), endTrials, s.in.Spec.Name, ended).Get(ctx, nil)
}

// start proposes for and starts everything that waits. If the sampler has no
// more candidates, the loop is told, and what it decides is returned.
func (s *study) start(ctx workflow.Context) (search.Decision, error) {
	segments := s.waiting
	s.waiting = nil
	var found []search.Trial
	if err := workflow.ExecuteLocalActivity(local(ctx), startSegments, s.in.Spec.Name, segments).Get(ctx, &found); err != nil {
		return search.Decision{}, err
	}
	trialOf := map[int]search.Trial{}
	for _, t := range found {
		trialOf[t.ID] = t
	}
	if s.stopping && s.loop.Final && !s.byUser { // the search was cut short; what follows it is not
		s.stopping = false
		s.children, s.cancel = workflow.WithCancel(s.root)
	}
	var out search.Decision
	for _, seg := range segments {
		t, ok := trialOf[seg.Trial]
		if !ok {
			d := s.loop.Exhausted(seg.Trial)
			out.Run, out.Ended = append(out.Run, d.Run...), append(out.Ended, d.Ended...)
			continue
		}
		s.run(ctx, seg, t)
	}
	return out, nil
}

// run starts a segment's child workflow.
func (s *study) run(ctx workflow.Context, seg search.Segment, t search.Trial) {
	s.running++
	spec := &s.in.Spec
	in := TrialInput{
		Task:  spec.task(seg, t),
		Model: spec.model(), Queue: s.in.Queue, MaxRetries: spec.MaxRetries,
	}
	future := workflow.ExecuteChildWorkflow(trialOptions(s.children, in), TrialType, in)
	workflow.Go(ctx, func(ctx workflow.Context) {
		c := childDone{segment: seg, trial: t}
		c.err = future.Get(ctx, &c.result)
		s.done.Send(ctx, c)
	})
}

// report takes a segment's outcome: into the spending, the leaderboard and the
// loop.
func (s *study) report(ctx workflow.Context, c childDone) error {
	if c.wake || s.loop.Finished {
		return s.follow(ctx, search.Decision{Ended: c.ended})
	}
	s.running--
	spec, r := &s.in.Spec, &c.result
	if temporal.IsCanceledError(c.err) { // stopped before its workflow had begun
		r.State, r.Budget, r.Reason = search.Stopped, c.segment.From, s.loop.Closing
		if err := s.end(ctx, []search.Ending{{Trial: c.segment.Trial, State: r.State, Reason: r.Reason}}); err != nil {
			return err
		}
	} else if c.err != nil {
		return fmt.Errorf("trial %s: %w", search.TrialName(c.segment.Trial), c.err)
	}
	s.spent.Joules += r.Energy.Joules
	s.spent.Seconds += r.Seconds
	s.spent.Epochs += max(r.Budget-c.segment.From, 0)
	s.board.add(spec.Objective, c.trial, r)
	limit := spec.Budget.EnergyWh
	out := search.Outcome{Trial: c.trial.ID, Budget: r.Budget, State: r.State, Values: r.Values(spec.Objectives()), Reason: r.Reason}
	if limit > 0 && s.spent.Joules/3600 >= limit && s.loop.Closing == "" && !s.loop.Final {
		s.close(ctx, fmt.Sprintf("the energy budget of %g Wh is spent", limit), true)
	}
	return s.follow(ctx, s.loop.Done(out))
}

// task is a segment as the runner sees it.
func (s *Spec) task(seg search.Segment, t search.Trial) trials.Task {
	task := trials.Task{
		Study: s.Name, Trial: t, Seed: s.Search.Seed, From: seg.From, To: seg.To, Total: s.Budget.Epochs,
		Objectives: s.Objectives(), Patience: s.EarlyStop.Patience, MinDelta: s.EarlyStop.MinDelta,
	}
	if seg.Again {
		task.Total, task.Patience = seg.To, 0
	}
	return task
}

// retrain is what the loop does when the search is over.
func (s *Spec) retrain() search.Retrain {
	return search.Retrain{Best: s.Retrain.Best, Budget: s.Retrain.Epochs, Goal: s.Objective.Goal}
}
