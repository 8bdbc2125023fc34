package workflows

import (
	"context"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/segment"
)

// AsideRequest is the argument of the set_aside update.
type AsideRequest struct {
	Trials []int  `json:"trials"`
	Why    string `json:"why,omitempty"`
	Keep   bool   `json:"keep,omitempty"` // they count again
}

// AsideResult is what a study needs to know of the trials that are set aside now.
type AsideResult struct {
	Trials []int `json:"trials"`
	Top    []Row `json:"top,omitempty"` // the best of the others
}

// SetAside stores why trials do not count; "" means that they do.
func (a *StoreActivities) SetAside(ctx context.Context, study string, list []int, why string) (AsideResult, error) {
	if _, err := a.Store.SetAside(ctx, study, list, why); err != nil {
		return AsideResult{}, err
	}
	return a.aside(ctx, study)
}

func (a *StoreActivities) aside(ctx context.Context, study string) (out AsideResult, err error) {
	if out.Trials, err = a.Store.Aside(ctx, study); err != nil {
		return out, err
	}
	row, err := a.Store.Study(ctx, study)
	if err != nil {
		return out, err
	}
	top, err := a.Store.Top(ctx, study, boardSize)
	if err != nil {
		return out, err
	}
	ids := make([]int, len(top))
	for i := range top {
		ids[i] = top[i].ID
	}
	last, err := a.Store.LastSegments(ctx, study, ids)
	if err != nil {
		return out, err
	}
	for _, r := range top {
		m, _ := r.Last()
		out.Top = append(out.Top, Row{r.ID, r.Params, r.State, m.Metrics[row.Objectives[0].Metric], m.Budget, r.Joules, r.Seconds, trials.EndKey(study, r.ID, last[r.ID])})
	}
	return out, nil
}

func (s *study) checkSetAside(r AsideRequest) error {
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
		case s.in.Spec.lends(t) && !r.Keep:
			return fmt.Errorf("trial %s has trained the weights with which all others are judged: delete the study instead", search.TrialName(t))
		}
	}
	return nil
}

// setAside makes trials count no longer, or again. Those that run are stopped.
func (s *study) setAside(ctx workflow.Context, r AsideRequest) (Status, error) {
	if err := s.begun(ctx); err != nil {
		return Status{}, err
	}
	why := orDefault(r.Why, asideByUser)
	if r.Keep {
		why = ""
	}
	var now AsideResult
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
func (s *study) aside(now *AsideResult) search.Decision {
	if now == nil {
		return search.Decision{}
	}
	for i := range now.Top {
		row := &now.Top[i]
		if k := slices.IndexFunc(s.board.Rows, func(r Row) bool { return r.Trial == row.Trial }); k >= 0 {
			row.Checkpoint = s.board.Rows[k].Checkpoint
		}
	}
	s.board.Rows = now.Top
	s.board.Front = slices.DeleteFunc(s.board.Front, func(r FrontRow) bool { return slices.Contains(now.Trials, r.Trial) })
	s.drop = slices.DeleteFunc(s.drop, s.board.has)
	top := make([]search.Scored, len(now.Top))
	for i, r := range now.Top {
		top[i] = search.Scored{Trial: r.Trial, Loss: s.in.Spec.Objective.Goal.Loss(r.Value)}
	}
	return s.loop.SetAside(now.Trials, top)
}

// counted is a result as far as it counts.
func (s *study) counted(r *segment.Result, trial int) *segment.Result {
	if !s.loop.IsAside(trial) {
		return r
	}
	blind := *r
	blind.Final = search.Measurement{}
	return &blind
}
