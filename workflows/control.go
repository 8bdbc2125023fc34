package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
)

// The updates of a study that runs. Each answers with the study's status after
// it; asked again they change nothing more.
const (
	StopUpdate      = "stop"
	PauseUpdate     = "pause"
	ResumeUpdate    = "resume"
	EditUpdate      = "edit"
	AddTrialUpdate  = "add_trial"
	StopTrialUpdate = "stop_trial"
	SetAsideUpdate  = "set_aside"
)

// StopRequest is the argument of the stop update.
type StopRequest struct {
	Now    bool   `json:"now"` // stop the running segments too; else they finish
	Reason string `json:"reason"`
}

// StopTrialRequest is the argument of the stop_trial update.
type StopTrialRequest struct {
	Trial  int    `json:"trial"`
	Reason string `json:"reason"`
}

// handlers answers the query and the updates.
func (s *studyRun) handlers(ctx workflow.Context) error {
	if err := workflow.SetQueryHandlerWithOptions(ctx, statusQuery, s.status, workflow.QueryHandlerOptions{Description: "state, spending and leaderboard"}); err != nil {
		return err
	}
	for _, u := range []struct {
		name, description string
		handler, check    any
	}{
		{StopUpdate, "end the study; running segments finish, or are stopped with {now: true}", s.stop, nil},
		{PauseUpdate, "start no new segments until resume; running ones finish", s.pause, s.canChange},
		{ResumeUpdate, "go on after pause", s.resume, s.canChange},
		{EditUpdate, "change budgets, parallelism, batch, priority, the space or its constraints", s.edit, s.checkEdit},
		{AddTrialUpdate, "try a candidate next, in addition to the trials planned", s.addTrial, s.checkCandidate},
		{StopTrialUpdate, "stop one trial, running or paused", s.stopTrial, s.checkStopTrial},
		{SetAsideUpdate, "set trials aside, or with {keep: true} count them again", s.setAside, s.checkSetAside},
	} {
		err := workflow.SetUpdateHandlerWithOptions(ctx, u.name, u.handler, workflow.UpdateHandlerOptions{Description: u.description, Validator: u.check})
		if err != nil {
			return fmt.Errorf("update %s: %w", u.name, err)
		}
	}
	return nil
}

// begun waits until the study has read where it stands.
func (s *studyRun) begun(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return s.Progress != nil })
}

// decided hands a decision to the main loop.
func (s *studyRun) decided(d search.Decision) { s.inbox = append(s.inbox, event{decision: d}) }

func (s *studyRun) status() (Status, error) {
	if s.Progress == nil {
		return Status{State: "starting"}, nil
	}
	st := Status{State: "running", Reason: cmp.Or(s.Ending(), s.note), Trials: s.Loop.Started, Running: len(s.children), Spent: s.Spent, Leaderboard: s.Leaderboard}
	switch {
	case s.Loop.Finished:
		st.State = "finished"
	case s.Loop.Closing != "":
		st.State = "closing"
	case s.Loop.Held:
		st.State = "paused"
	}
	return st, nil
}

// canChange refuses what comes too late.
func (s *studyRun) canChange() error {
	if s.Progress != nil && (s.Loop.Finished || s.Loop.Closing != "") {
		return fmt.Errorf("it is ending: %s", s.Loop.Closing)
	}
	return nil
}

func (s *studyRun) stop(ctx workflow.Context, r StopRequest) (Status, error) {
	if err := s.begun(ctx); err != nil {
		return Status{}, err
	}
	s.ByUser = s.ByUser || !s.Loop.Finished
	s.close(cmp.Or(r.Reason, "stopped by the user"), r.Now)
	return s.status()
}

// close ends the study: no new segments, and with now the running ones are
// stopped; the main loop sees them come home.
func (s *studyRun) close(why string, now bool) {
	if s.Progress == nil {
		return
	}
	stopping := s.Stopping
	s.decided(s.Finish(why, now))
	s.stopRunning(s.root, stopping)
}

// deadline closes the study when its time is spent, also if the time is changed
// meanwhile.
func (s *studyRun) deadline(ctx workflow.Context) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			limit := time.Duration(s.in.Spec.Budget.Time)
			changed := func() bool { return time.Duration(s.in.Spec.Budget.Time) != limit }
			left := limit - workflow.Now(ctx).Sub(s.Began)
			switch {
			case limit == 0:
				if workflow.Await(ctx, changed) != nil {
					return
				}
			case left <= 0:
				s.close(s.in.Spec.TimeSpent(), true)
				return
			default:
				if _, err := workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{Timeout: left, TimerOptions: workflow.TimerOptions{Summary: "time budget"}}, changed); err != nil {
					return
				}
			}
		}
	})
}

func (s *studyRun) pause(ctx workflow.Context) (Status, error) {
	if err := s.begun(ctx); err != nil {
		return Status{}, err
	}
	s.Loop.Pause()
	s.details(ctx)
	return s.status()
}

func (s *studyRun) resume(ctx workflow.Context) (Status, error) {
	if err := s.begun(ctx); err != nil {
		return Status{}, err
	}
	if s.Loop.Held {
		s.decided(s.Loop.Resume())
	}
	return s.status()
}

func (s *studyRun) checkEdit(e study.Edit) error {
	if err := s.canChange(); err != nil {
		return err
	}
	spec, err := s.in.Spec.Edited(e, s.started())
	if err != nil {
		return err
	}
	if s.Progress != nil && spec.Budget.Trials < s.Loop.Started {
		return &study.FieldError{Path: "budget.trials", Err: fmt.Errorf("%d trials were started already", s.Loop.Started)}
	}
	return nil
}

func (s *studyRun) edit(ctx workflow.Context, e study.Edit) (Status, error) {
	if err := s.begun(ctx); err != nil {
		return Status{}, err
	}
	spec, err := s.in.Spec.Edited(e, s.started())
	if err != nil {
		return Status{}, finalError(err)
	}
	if err := s.changeSpec(ctx, spec); err != nil {
		return Status{}, err
	}
	return s.status()
}

// changeSpec makes a changed specification the study's.
func (s *studyRun) changeSpec(ctx workflow.Context, spec study.Spec) error {
	s.in.Spec = spec
	if err := workflow.ExecuteLocalActivity(local(ctx), editStudy, spec).Get(ctx, nil); err != nil {
		return err
	}
	if !s.Loop.Finished {
		s.Conclude("", workflow.Now(ctx)) // there may be time again, or none any more
		s.decided(s.Loop.Resize(s.slots(), spec.Budget.Trials))
	}
	return nil
}

// checked are a candidate's params as the space types them.
func (s *studyRun) checked(c study.Candidate) (search.Params, error) {
	next := 0
	if s.Progress != nil {
		next = s.Loop.Started + len(s.Given)
	}
	return s.in.Spec.Fill(c, next)
}

// started is how many trials were started.
func (s *studyRun) started() int {
	if s.Progress == nil {
		return 0
	}
	return s.Loop.Started
}

func (s *studyRun) checkCandidate(c study.Candidate) error {
	if err := s.canChange(); err != nil {
		return err
	}
	_, err := s.checked(c)
	return err
}

func (s *studyRun) addTrial(ctx workflow.Context, c study.Candidate) (Status, error) {
	if err := s.begun(ctx); err != nil {
		return Status{}, err
	}
	params, err := s.checked(c)
	if err != nil {
		return Status{}, finalError(err)
	}
	s.Given = append(s.Given, study.Candidate{Params: params, Source: c.Source})
	spec := s.in.Spec
	spec.Budget.Trials = max(spec.Budget.Trials, s.Loop.Started) + 1
	if err := s.changeSpec(ctx, spec); err != nil {
		return Status{}, err
	}
	return s.status()
}

func (s *studyRun) checkStopTrial(r StopTrialRequest) error {
	if s.Progress == nil {
		return nil
	}
	if r.Trial < 0 || r.Trial >= s.Loop.Started {
		return fmt.Errorf("there is no trial %s yet", search.TrialName(r.Trial))
	}
	if c := s.children[r.Trial]; c != nil && len(c.trials) > 1 {
		return fmt.Errorf("trial %s trains together with %d others: it ends with them", search.TrialName(r.Trial), len(c.trials)-1)
	}
	return nil
}

func (s *studyRun) stopTrial(ctx workflow.Context, r StopTrialRequest) (Status, error) {
	if err := s.begun(ctx); err != nil {
		return Status{}, err
	}
	why := cmp.Or(r.Reason, "stopped by the user")
	if c := s.children[r.Trial]; c != nil {
		if !c.stopped {
			c.stopped = true
			if err := c.stop(ctx, why); err != nil && s.children[r.Trial] == c {
				return Status{}, err
			}
		}
		return s.status()
	}
	if d, ok := s.Loop.StopTrial(r.Trial, why); ok {
		s.decided(d)
	}
	return s.status()
}

// finalError is an update's answer that asking again would not change.
func finalError(err error) error {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return err
	}
	return temporal.NewNonRetryableApplicationError(err.Error(), "BadRequest", nil)
}
