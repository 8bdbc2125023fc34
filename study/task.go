package study

import (
	"encoding/json"

	"budwood/hpo/scheduler"
	"budwood/search"
	"budwood/trials"
)

// Task is a segment as the runner sees it.
func (s *Spec) Task(seg search.Segment, t search.Trial) trials.Task {
	task := trials.Task{
		Study: s.Name, Trial: t, Seed: s.Search.Seed, From: seg.From, To: seg.To, Total: s.Budget.Epochs,
		Objectives: s.Objectives(), Tried: seg.Cuts * mostAttempts, Patience: s.EarlyStop.Patience, MinDelta: s.EarlyStop.MinDelta, Inherit: s.Search.Inherit, Supernet: s.Search.Supernet != "", Mesh: s.Mesh,
	}
	if seg.Again {
		task.Total, task.Patience, task.Inherit, task.Supernet = seg.To, 0, false, false
	}
	return task
}

// newLoop is the loop of a study that begins, by a version of the [Rules]; settles says
// that its best trial is trained to the end before it ends.
func (s *Spec) newLoop(settles bool, rules int) *search.Loop {
	l := newScheduler(s)
	if a, ok := l.(*scheduler.ASHA); ok {
		a.Learn = rules >= 2
	}
	return &search.Loop{Scheduler: l, Parallel: s.Search.Parallel, Trials: s.Budget.Trials, Retrain: s.retrain(), Settles: settles}
}

// restore is the loop of a study that goes on where it was.
func (s *Spec) restore(saved *State) (*search.Loop, error) {
	scheduler := newScheduler(s)
	if err := json.Unmarshal(saved.Scheduler, scheduler); err != nil {
		return nil, err
	}
	l := &saved.Loop
	l.Scheduler, l.Retrain = scheduler, s.retrain()
	return l, nil
}

// retrain is what the loop does when the search is over.
func (s *Spec) retrain() search.Retrain {
	return search.Retrain{Best: s.Retrain.Best, Budget: s.Retrain.Epochs, Goal: s.Objective.Goal}
}
