package study

import (
	"encoding/json"
	"slices"

	"budwood/search"
	"budwood/trials"
)

// task is a segment as the runner sees it.
func (s *Spec) Task(seg search.Segment, t search.Trial) trials.Task {
	task := trials.Task{
		Study: s.Name, Trial: t, Seed: s.Search.Seed, From: seg.From, To: seg.To, Total: s.Budget.Epochs,
		Objectives: s.Objectives(), Tried: seg.Cuts * mostAttempts, Patience: s.EarlyStop.Patience, MinDelta: s.EarlyStop.MinDelta, Inherit: s.Search.Inherit, Supernet: s.Search.Supernet != "",
	}
	if seg.Again {
		task.Total, task.Patience, task.Inherit, task.Supernet = seg.To, 0, false, false
	}
	return task
}

// NewLoop is the loop of a study that begins; settles says that its best trial is
// trained to the end before it ends.
func (s *Spec) NewLoop(settles bool) *search.Loop {
	return &search.Loop{Scheduler: newScheduler(s), Parallel: s.Search.Parallel, Trials: s.Budget.Trials, Retrain: s.retrain(), Settles: settles}
}

// Restore is the loop of a study that goes on where it was.
func (s *Spec) Restore(c *Carry) (*search.Loop, error) {
	scheduler := newScheduler(s)
	if err := json.Unmarshal(c.Scheduler, scheduler); err != nil {
		return nil, err
	}
	l := &c.Loop
	l.Scheduler, l.Retrain = scheduler, s.retrain()
	return l, nil
}

// retrain is what the loop does when the search is over.
func (s *Spec) retrain() search.Retrain {
	return search.Retrain{Best: s.Retrain.Best, Budget: s.Retrain.Epochs, Goal: s.Objective.Goal}
}

// Kept lists the checkpoints that stay when a study ends: those of its best trials
// and of its front, and those of what goes on if it does.
func (s *Spec) Kept(b *Board, l *search.Loop) []string {
	return slices.Concat(s.keeps(), b.keeps(s.best()), b.unfinished(s.Name, l))
}
