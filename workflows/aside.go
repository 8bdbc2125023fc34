package workflows

import (
	"cmp"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
)

// AsideRequest is the argument of the set_aside update.
type AsideRequest struct {
	Trials []int  `json:"trials"`
	Why    string `json:"why,omitempty"`
	Keep   bool   `json:"keep,omitempty"` // they count again
}

func (s *studyRun) checkSetAside(r AsideRequest) error {
	if s.Progress == nil {
		return nil
	}
	if s.Loop.Finished {
		return fmt.Errorf("it is ending: %s", s.Loop.Closing)
	}
	for _, t := range r.Trials {
		switch {
		case t < 0 || t >= s.Loop.Started:
			return fmt.Errorf("there is no trial %s yet", search.TrialName(t))
		case s.in.Spec.TrainsShared(t) && !r.Keep:
			return fmt.Errorf("trial %s has trained the weights with which all others are evaluated: delete the study instead", search.TrialName(t))
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
	d := s.SetAside(&now)
	if !s.Loop.Finished {
		d.Add(s.Loop.Resize(s.slots(), s.Loop.Trials))
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
