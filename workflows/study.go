package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/trials"
)

// The registered names. They never change: histories and stored data hold them.
const (
	StudyType     = "Study"
	TrialType     = "Trial"
	StopUpdate    = "stop"
	StatusQuery   = "status"
	beginStudy    = "BeginStudy"
	startSegments = "StartSegments"
	recordSegment = "RecordSegment"
	endTrials     = "EndTrials"
	finishStudy   = "FinishStudy"
	trainSegment  = "TrainSegment"
	testTrial     = "TestTrial"
	sweepBlobs    = "SweepCheckpoints"
)

// StudyInput starts a study workflow, or continues it as new.
type StudyInput struct {
	Spec  Spec   `json:"spec"`
	Queue string `json:"queue"` // prefix of the task queues
	Carry *Carry `json:"carry,omitempty"`
}

// Carry is a study's state between two runs of its workflow: continue as new,
// or the same study submitted again with a larger budget.
type Carry struct {
	Loop      search.Loop     `json:"loop"`
	Scheduler json.RawMessage `json:"scheduler"`
	Board     Board           `json:"board"`
	Spent     Spent           `json:"spent"`
	ByUser    bool            `json:"by_user,omitempty"`
	Elapsed   time.Duration   `json:"elapsed"` // while it ran
}

// Spent is what a study has used so far.
type Spent struct {
	Joules  float64 `json:"joules"`
	Epochs  int     `json:"epochs"`
	Seconds float64 `json:"seconds"` // of training
}

// Status is what the status query answers.
type Status struct {
	State   string `json:"state"` // running, closing, finished
	Reason  string `json:"reason,omitempty"`
	Trials  int    `json:"trials"`
	Running int    `json:"running"`
	Spent   Spent  `json:"spent"`
	Board   Board  `json:"board"`
}

// StudyResult is how a study ended.
type StudyResult struct {
	State trials.StudyState `json:"state"`
	Best  int               `json:"best"` // trial, -1: none
	Test  search.Metrics    `json:"test,omitempty"`
}

// StopRequest is the argument of the stop update.
type StopRequest struct {
	Now    bool   `json:"now"` // stop the running segments too; else they finish
	Reason string `json:"reason"`
}

// study is one run of the study workflow.
type study struct {
	in       StudyInput
	loop     *search.Loop
	board    Board
	spent    Spent
	began    time.Time        // as if it had run all the time since
	drain    bool             // start nothing more: continue as new when the running ones have reported
	waiting  []search.Segment // decided, not started
	running  int
	byUser   bool             // the user ended the study, not a budget
	stopping bool             // running segments are being stopped
	root     workflow.Context // of what outlives a cancellation
	children workflow.Context
	cancel   workflow.CancelFunc
	done     workflow.Channel
}

// Study is the study workflow.
func Study(ctx workflow.Context, in StudyInput) (StudyResult, error) {
	s := &study{in: in}
	s.done = workflow.NewBufferedChannel(ctx, in.Spec.Search.Parallel+1)
	cancelled := ctx.Done()
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled study still records how it ended
	s.root = ctx
	s.children, s.cancel = workflow.WithCancel(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		cancelled.Receive(ctx, nil)
		s.byUser = true
		s.close(ctx, "the study workflow was cancelled", true)
	})
	if err := workflow.SetQueryHandlerWithOptions(ctx, StatusQuery, s.status, workflow.QueryHandlerOptions{Description: "state, spending and leaderboard"}); err != nil {
		return StudyResult{}, err
	}
	err := workflow.SetUpdateHandlerWithOptions(ctx, StopUpdate, s.stop, workflow.UpdateHandlerOptions{
		Description: "end the study; running segments finish, or are stopped with {now: true}",
	})
	if err != nil {
		return StudyResult{}, err
	}
	decision, err := s.begin(ctx)
	if err != nil {
		return StudyResult{}, err
	}
	out, err := s.main(ctx, decision)
	if err != nil && !workflow.IsContinueAsNewError(err) { // whoever follows the study must hear of it
		failed := FinishInput{Study: in.Spec.Name, State: trials.StudyFailed, Reason: message(err), Best: -1}
		if e := workflow.ExecuteLocalActivity(local(ctx), finishStudy, failed).Get(ctx, nil); e != nil {
			err = errors.Join(err, e)
		}
	}
	return out, err
}

// main follows decisions until the study is over.
func (s *study) main(ctx workflow.Context, decision search.Decision) (StudyResult, error) {
	s.deadline(ctx)
	if err := s.follow(ctx, decision); err != nil {
		return StudyResult{}, err
	}
	for !s.loop.Finished {
		if s.drain && s.running == 0 {
			if s.loop.Closing == "" {
				return StudyResult{}, s.continueAsNew(ctx)
			}
			s.drain = false // it ends soon: let it
			if err := s.follow(ctx, search.Decision{}); err != nil {
				return StudyResult{}, err
			}
			continue
		}
		var c childDone
		s.done.Receive(ctx, &c)
		if err := s.report(ctx, c); err != nil {
			return StudyResult{}, err
		}
		s.drain = s.drain || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	}
	return s.finish(ctx)
}

// begin records the study and sets up the loop, anew or from what was carried
// over.
func (s *study) begin(ctx workflow.Context) (search.Decision, error) {
	carry, ended := s.in.Carry, false
	if carry == nil {
		var b BeginResult
		if err := workflow.ExecuteLocalActivity(local(ctx), beginStudy, BeginInput{s.in.Spec, s.in.Queue}).Get(ctx, &b); err != nil {
			return search.Decision{}, err
		}
		carry, ended = b.Carry, true
	}
	sched := newScheduler(&s.in.Spec)
	if carry == nil {
		s.began = workflow.Now(ctx)
		s.loop = &search.Loop{Scheduler: sched, Parallel: s.in.Spec.Search.Parallel, Trials: s.in.Spec.Budget.Trials, Retrain: s.in.Spec.retrain()}
		return s.loop.Begin(), nil
	}
	if err := json.Unmarshal(carry.Scheduler, sched); err != nil {
		return search.Decision{}, temporal.NewNonRetryableApplicationError("the scheduler's saved state cannot be read", "Internal", err)
	}
	s.board, s.spent, s.byUser = carry.Board, carry.Spent, carry.ByUser
	s.began = workflow.Now(ctx).Add(-carry.Elapsed)
	s.loop = &carry.Loop
	s.loop.Scheduler, s.loop.Retrain = sched, s.in.Spec.retrain()
	var d search.Decision
	if ended {
		s.loop.Reopen()
		s.byUser = false
	}
	for id := range s.loop.Started {
		if seg, ok := s.loop.Running[id]; ok {
			d.Run = append(d.Run, seg)
		}
	}
	more := s.loop.Resize(s.in.Spec.Search.Parallel, s.in.Spec.Budget.Trials)
	d.Run = append(d.Run, more.Run...)
	d.Ended = more.Ended
	return d, nil
}

func (s *study) carry(ctx workflow.Context) (*Carry, error) {
	state, err := json.Marshal(s.loop.Scheduler)
	return &Carry{
		Loop: *s.loop, Scheduler: state, Board: s.board, Spent: s.spent, ByUser: s.byUser, Elapsed: workflow.Now(ctx).Sub(s.began),
	}, err
}

func (s *study) continueAsNew(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	carry, err := s.carry(ctx)
	if err != nil {
		return err
	}
	s.in.Carry = carry
	return workflow.NewContinueAsNewError(ctx, StudyType, s.in)
}

// deadline closes the study when its time is spent.
func (s *study) deadline(ctx workflow.Context) {
	limit := time.Duration(s.in.Spec.Budget.Time)
	if limit == 0 {
		return
	}
	workflow.Go(ctx, func(ctx workflow.Context) {
		left := max(limit-workflow.Now(ctx).Sub(s.began), 0)
		if workflow.NewTimerWithOptions(ctx, left, workflow.TimerOptions{Summary: "time budget"}).Get(ctx, nil) == nil {
			s.close(ctx, fmt.Sprintf("the time budget of %s is spent", limit), true)
		}
	})
}

// close ends the study: no new segments, and with now the running ones are
// stopped; the main loop sees them come home.
func (s *study) close(ctx workflow.Context, why string, now bool) {
	if s.loop == nil || s.loop.Finished || s.loop.Final && !s.byUser { // budgets end the search alone
		return
	}
	var d search.Decision
	if s.byUser {
		d = s.loop.Stop(why)
	} else {
		d = s.loop.Close(why)
	}
	s.waiting = append(s.waiting, d.Run...)
	if now && !s.stopping {
		s.stopping = true
		s.cancel()
	}
	if s.loop.Finished || len(d.Run) > 0 { // nothing was running: wake the main loop
		s.done.SendAsync(childDone{wake: true, ended: d.Ended})
	}
}

func (s *study) stop(ctx workflow.Context, r StopRequest) (Status, error) {
	why := r.Reason
	if why == "" {
		why = "stopped by the user"
	}
	if err := workflow.Await(ctx, func() bool { return s.loop != nil }); err != nil {
		return Status{}, err
	}
	s.byUser = s.byUser || !s.loop.Finished
	s.close(ctx, why, r.Now)
	return s.status()
}

func (s *study) status() (Status, error) {
	if s.loop == nil {
		return Status{State: "starting"}, nil
	}
	st := Status{State: "running", Reason: s.loop.Closing, Trials: s.loop.Started, Running: len(s.loop.Running), Spent: s.spent, Board: s.board}
	if s.loop.Finished {
		st.State = "finished"
	} else if s.loop.Closing != "" {
		st.State = "closing"
	}
	return st, nil
}

// finish tests the best trial, clears the checkpoints and records the end.
func (s *study) finish(ctx workflow.Context) (StudyResult, error) {
	out := StudyResult{State: trials.StudyCompleted, Best: -1}
	reason := s.loop.Closing
	if s.byUser {
		out.State = trials.StudyStopped
	}
	var best *Row
	if len(s.board.Rows) > 0 {
		best = &s.board.Rows[0]
		out.Best = best.Trial
	}
	in := s.in.Spec.model()
	if best != nil && in != nil {
		test := TestInput{Study: s.in.Spec.Name, Trial: best.Trial, Params: best.Params, Seed: s.in.Spec.Search.Seed, Model: *in, Checkpoint: best.Checkpoint}
		err := workflow.ExecuteActivity(onTrain(ctx, s.in.Queue, "test "+search.TrialName(best.Trial)), testTrial, test).Get(ctx, &out.Test)
		if err != nil {
			reason = joinReasons(reason, "the best trial could not be tested: "+message(err))
		}
	}
	var keep []string
	if best != nil && best.Checkpoint != "" {
		keep = []string{best.Checkpoint}
	}
	if err := workflow.ExecuteActivity(onTrain(ctx, s.in.Queue, "remove checkpoints"), sweepBlobs, s.in.Spec.Name, keep).Get(ctx, nil); err != nil {
		reason = joinReasons(reason, "checkpoints could not be removed: "+message(err))
	}
	carry, err := s.carry(ctx)
	if err != nil {
		return out, err
	}
	err = workflow.ExecuteLocalActivity(local(ctx), finishStudy, FinishInput{s.in.Spec.Name, out.State, reason, out.Best, out.Test, carry}).Get(ctx, nil)
	s.details(ctx)
	return out, err
}

func joinReasons(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// message is what an error says to the user: the innermost words, not
// Temporal's wrapping.
func message(err error) string {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		return app.Message()
	}
	return err.Error()
}
