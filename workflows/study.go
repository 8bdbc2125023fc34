package workflows

import (
	"encoding/json"
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
)

// The registered names. They never change: histories and stored data hold them.
const (
	StudyType      = "Study"
	TrialType      = "Trial"
	StatusQuery    = "status"
	beginStudy     = "BeginStudy"
	startSegments  = "StartSegments"
	recordSegments = "RecordSegments"
	endTrials      = "EndTrials"
	editStudy      = "EditStudy"
	setAsideTrials = "SetAsideTrials"
	checkWorkers   = "CheckWorkers"
	finishStudy    = "FinishStudy"
	trainSegments  = "TrainSegments"
	testTrial      = "TestTrial"
	sweepBlobs     = "SweepCheckpoints"
)

// StudyInput starts a study workflow, or continues it as new.
type StudyInput struct {
	Spec  study.Spec   `json:"spec"`
	Queue string       `json:"queue"` // prefix of the task queues
	Carry *study.Carry `json:"carry,omitempty"`
}

// Status is what the status query answers.
type Status struct {
	State   string      `json:"state"` // starting, running, paused, closing, finished
	Reason  string      `json:"reason,omitempty"`
	Trials  int         `json:"trials"`
	Running int         `json:"running"`
	Spent   study.Spent `json:"spent"`
	Board   study.Board `json:"board"`
}

// studyRun is one run of the study workflow.
type studyRun struct {
	in       StudyInput
	loop     *search.Loop
	board    study.Board
	spent    study.Spent
	pace     study.Pace
	began    time.Time         // as if it had run all the time since
	drain    bool              // start nothing more: continue as new when the running ones have reported
	waiting  []search.Segment  // decided, not started
	given    []study.Candidate // to be tried next
	running  int               // children
	children map[int]*child    // of the running trials
	inbox    []event           // what the main loop has not taken yet
	drop     []int             // trials whose checkpoints nobody needs any more
	byUser   bool              // the user ended the study, not a budget
	stopping bool              // running segments are being stopped
	note     string            // what keeps the study from going on
	reports  int               // children that came home in this run
	root     workflow.Context  // of what outlives a cancellation
	trials   workflow.Context  // of the children
	cancel   workflow.CancelFunc
}

// event is what the main loop waits for: a child that came home, or a
// decision that was made elsewhere.
type event struct {
	home     *child
	decision search.Decision
}

// Study is the study workflow.
func Study(ctx workflow.Context, in StudyInput) (study.StudyResult, error) {
	s := &studyRun{in: in, children: map[int]*child{}}
	cancelled := ctx.Done()
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled study still records how it ended
	s.root = ctx
	s.trials, s.cancel = workflow.WithCancel(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		cancelled.Receive(ctx, nil)
		s.byUser = true
		s.close("the study workflow was cancelled", true)
	})
	if err := s.handlers(ctx); err != nil {
		return study.StudyResult{}, err
	}
	decision, err := s.begin(ctx)
	if err != nil {
		return study.StudyResult{}, err
	}
	out, err := s.main(ctx, decision)
	if err != nil && !workflow.IsContinueAsNewError(err) { // whoever follows the study must hear of it
		failed := study.FinishInput{Study: in.Spec.Name, State: store.StudyFailed, Reason: message(err), Best: -1}
		if e := workflow.ExecuteLocalActivity(local(ctx), finishStudy, failed).Get(ctx, nil); e != nil {
			err = errors.Join(err, e)
		}
	}
	return out, err
}

// main follows decisions until the study is over.
func (s *studyRun) main(ctx workflow.Context, decision search.Decision) (study.StudyResult, error) {
	s.deadline(ctx)
	s.watchWorkers(ctx)
	if err := s.follow(ctx, decision); err != nil {
		return study.StudyResult{}, err
	}
	for !s.loop.Finished {
		if s.drain && s.running == 0 && s.loop.Closing == "" {
			return study.StudyResult{}, s.continueAsNew(ctx)
		}
		if s.drain && s.running == 0 { // it ends soon: let it
			s.drain = false
			if err := s.follow(ctx, search.Decision{}); err != nil {
				return study.StudyResult{}, err
			}
			continue
		}
		if err := workflow.Await(ctx, func() bool { return len(s.inbox) > 0 }); err != nil {
			return study.StudyResult{}, err
		}
		var d search.Decision // what came together is decided and followed together
		for len(s.inbox) > 0 {
			e := s.inbox[0]
			s.inbox = s.inbox[1:]
			if e.home != nil {
				var err error
				if e.decision, err = s.report(ctx, e.home); err != nil {
					return study.StudyResult{}, err
				}
			}
			d.Run, d.Ended = append(d.Run, e.decision.Run...), append(d.Ended, e.decision.Ended...)
		}
		if err := s.follow(ctx, d); err != nil {
			return study.StudyResult{}, err
		}
		s.drain = s.drain || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	}
	for _, e := range s.inbox { // decided by a handler in the last moment
		if err := s.end(ctx, e.decision.Ended); err != nil {
			return study.StudyResult{}, err
		}
	}
	return s.finish(ctx)
}

// begin records the study and sets up the loop, anew or from what was carried
// over.
func (s *studyRun) begin(ctx workflow.Context) (search.Decision, error) {
	carry, ended, settles := s.in.Carry, false, false
	var aside *study.AsideResult
	if carry == nil {
		var b study.BeginResult
		if err := workflow.ExecuteLocalActivity(local(ctx), beginStudy, study.BeginInput{Spec: s.in.Spec, Queue: s.in.Queue}).Get(ctx, &b); err != nil {
			return search.Decision{}, err
		}
		carry, ended, settles, aside = b.Carry, true, b.Settles, b.Aside
		if s.in.Spec.Data != nil && b.Digests != nil {
			s.in.Spec.Data.Digests = b.Digests
		}
	}
	if carry.FromStart() {
		s.began = workflow.Now(ctx)
		if carry != nil {
			s.began = s.began.Add(-carry.Elapsed)
		}
		s.loop = s.in.Spec.NewLoop(settles)
		s.aside(aside)
		return s.loop.Begin(), nil
	}
	var err error
	if s.loop, err = s.in.Spec.Restore(carry); err != nil {
		return search.Decision{}, temporal.NewNonRetryableApplicationError("the scheduler's saved state cannot be read", "Internal", err)
	}
	s.board, s.spent, s.pace, s.byUser = carry.Board, carry.Spent, carry.Pace, carry.ByUser
	s.given, s.waiting = carry.Given, carry.Held
	s.began = workflow.Now(ctx).Add(-carry.Elapsed)
	var d search.Decision
	if ended {
		s.board.Revive(s.loop.Reopen())
		s.loop.Prefer(s.board.Order())
		s.loop.Held, s.byUser, s.loop.Settles = false, false, settles
		d = s.aside(aside)
	}
	more := s.loop.Resize(s.slots(), s.in.Spec.Budget.Trials)
	d.Run, d.Ended = append(d.Run, more.Run...), append(d.Ended, more.Ended...)
	return d, nil
}

func (s *studyRun) carry(ctx workflow.Context) (*study.Carry, error) {
	state, err := json.Marshal(s.loop.Scheduler)
	return &study.Carry{
		Loop: *s.loop, Scheduler: state, Board: s.board, Spent: s.spent, Pace: s.pace, ByUser: s.byUser, Elapsed: workflow.Now(ctx).Sub(s.began),
		Given: s.given, Held: s.waiting,
	}, err
}

func (s *studyRun) continueAsNew(ctx workflow.Context) error {
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

// finish tests the best trial, clears the checkpoints and records the end.
func (s *studyRun) finish(ctx workflow.Context) (study.StudyResult, error) {
	out := study.StudyResult{State: store.StudyCompleted, Best: s.board.Best()}
	reason := study.Ending(s.loop)
	if s.byUser {
		out.State = store.StudyStopped
	}
	var best *study.Row
	if len(s.board.Rows) > 0 {
		best = &s.board.Rows[0]
	}
	in := s.in.Spec.Model()
	if best != nil && in != nil {
		test := TestInput{Study: s.in.Spec.Name, Trial: best.Trial, Params: best.Params, Seed: s.in.Spec.Search.Seed, Model: *in, Checkpoint: best.Checkpoint}
		err := workflow.ExecuteActivity(onTrain(ctx, s.trainQueue(), "test "+search.TrialName(best.Trial), turn(s.in.Spec.Name, s.in.Spec.Search.Priority)), testTrial, test).Get(ctx, &out.Test)
		if err != nil {
			reason = study.JoinReasons(reason, "the best trial could not be tested: "+message(err))
		}
	}
	keep := s.in.Spec.Kept(&s.board, s.loop)
	if err := workflow.ExecuteActivity(onTrain(ctx, s.trainQueue(), "remove checkpoints", turn(s.in.Spec.Name, s.in.Spec.Search.Priority)), sweepBlobs, s.in.Spec.Name, keep).Get(ctx, nil); err != nil {
		reason = study.JoinReasons(reason, "checkpoints could not be removed: "+message(err))
	}
	carry, err := s.carry(ctx)
	if err != nil {
		return out, err
	}
	err = workflow.ExecuteLocalActivity(local(ctx), finishStudy, study.FinishInput{Study: s.in.Spec.Name, State: out.State, Reason: reason, Best: out.Best, Test: out.Test, Carry: carry}).Get(ctx, nil)
	s.details(ctx)
	return out, err
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
