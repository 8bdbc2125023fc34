package workflows

import (
	"cmp"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
	"budwood/trials/segment"
)

// AsideRequest is the argument of the set_aside update.
type AsideRequest struct {
	Trials []int  `json:"trials"`
	Why    string `json:"why,omitempty"`
	Keep   bool   `json:"keep,omitempty"` // they count again
}

func (s *studyRun) checkSetAside(r AsideRequest) error {
	if s.loop == nil {
		return nil
	}
	if s.loop.Finished {
		return fmt.Errorf("it is ending: %s", s.loop.Closing)
	}
	for _, t := range r.Trials {
		switch {
		case t < 0 || t >= s.loop.Started:
			return fmt.Errorf("there is no trial %s yet", search.TrialName(t))
		case s.in.Spec.TrainsShared(t) && !r.Keep:
			return fmt.Errorf("trial %s has trained the weights with which all others are judged: delete the study instead", search.TrialName(t))
		}
	}
	return nil
}

// setAside makes trials count no longer, or again. Those that run are stopped.
func (s *studyRun) setAside(ctx workflow.Context, r AsideRequest) (Status, error) {
	if err := s.begun(ctx); err != nil {
		return Status{}, err
	}
	why := cmp.Or(r.Why, asideByUser)
	if r.Keep {
		why = ""
	}
	var now study.AsideResult
	if err := workflow.ExecuteLocalActivity(local(ctx), setAsideTrials, s.in.Spec.Name, r.Trials, why).Get(ctx, &now); err != nil {
		return Status{}, finalError(err)
	}
	d := s.aside(&now)
	if !s.loop.Finished {
		more := s.loop.Resize(s.slots(), s.loop.Trials)
		d.Run, d.Ended = append(d.Run, more.Run...), append(d.Ended, more.Ended...)
		s.decided(d)
	}
	for _, t := range r.Trials {
		c := s.children[t]
		if r.Keep || c == nil || c.stopped || len(c.trials) > 1 { // several end together, and soon
			continue
		}
		c.stopped = true
		if err := c.stop(ctx, "set aside: "+why); err != nil && s.children[t] == c {
			return Status{}, err
		}
	}
	s.details(ctx)
	return s.status()
}

const asideByUser = "set aside by the user"

// aside takes over which trials are set aside, and who is the best without them.
func (s *studyRun) aside(now *study.AsideResult) search.Decision {
	if now == nil {
		return search.Decision{}
	}
	for i := range now.Top {
		row := &now.Top[i]
		if k := slices.IndexFunc(s.board.Rows, func(r study.Row) bool { return r.Trial == row.Trial }); k >= 0 {
			row.Checkpoint = s.board.Rows[k].Checkpoint
		}
	}
	s.board.Rows = now.Top
	s.board.Front = slices.DeleteFunc(s.board.Front, func(r study.FrontRow) bool { return slices.Contains(now.Trials, r.Trial) })
	s.drop = slices.DeleteFunc(s.drop, s.board.Has)
	top := make([]search.Scored, len(now.Top))
	for i, r := range now.Top {
		top[i] = search.Scored{Trial: r.Trial, Loss: s.in.Spec.Objective.Goal.Loss(r.Value)}
	}
	return s.loop.SetAside(now.Trials, top)
}

// counted is a result as far as it counts.
func (s *studyRun) counted(r *segment.Result, trial int) *segment.Result {
	if !s.loop.IsAside(trial) {
		return r
	}
	blind := *r
	blind.Final = search.Measurement{}
	return &blind
}
