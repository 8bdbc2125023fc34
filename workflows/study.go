package workflows

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
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
	Spec  Spec   `json:"spec"`
	Queue string `json:"queue"` // prefix of the task queues
	Carry *Carry `json:"carry,omitempty"`
}

// Carry is a study's state between two runs of its workflow: continue as new,
// or the same study submitted again with a larger budget.
type Carry struct {
	Loop      search.Loop      `json:"loop"`
	Scheduler json.RawMessage  `json:"scheduler"`
	Board     Board            `json:"board"`
	Spent     Spent            `json:"spent"`
	Pace      Pace             `json:"pace,omitzero"`
	ByUser    bool             `json:"by_user,omitempty"`
	Elapsed   time.Duration    `json:"elapsed"` // while it ran
	Given     []Candidate      `json:"given,omitempty"`
	Held      []search.Segment `json:"held,omitempty"` // decided while the study was paused
}

// new tells whether a study begins with it from its first trial: there is no carry,
// or it is that of a local study, which decides again what it had decided.
func (c *Carry) new() bool { return c == nil || len(c.Scheduler) == 0 || string(c.Scheduler) == "null" }

// Spent is what a study has used so far.
type Spent struct {
	Joules  float64 `json:"joules"`
	Epochs  int     `json:"epochs"`
	Seconds float64 `json:"seconds"` // of training
}

// Status is what the status query answers.
type Status struct {
	State   string `json:"state"` // starting, running, paused, closing, finished
	Reason  string `json:"reason,omitempty"`
	Trials  int    `json:"trials"`
	Running int    `json:"running"`
	Spent   Spent  `json:"spent"`
	Board   Board  `json:"board"`
}

// StudyResult is how a study ended.
type StudyResult struct {
	State store.StudyState `json:"state"`
	Best  int              `json:"best"` // trial, -1: none
	Test  search.Metrics   `json:"test,omitempty"`
}

// study is one run of the study workflow.
type study struct {
	in       StudyInput
	loop     *search.Loop
	board    Board
	spent    Spent
	pace     Pace
	began    time.Time        // as if it had run all the time since
	drain    bool             // start nothing more: continue as new when the running ones have reported
	waiting  []search.Segment // decided, not started
	given    []Candidate      // to be tried next
	running  int              // children
	children map[int]*child   // of the running trials
	inbox    []event          // what the main loop has not taken yet
	drop     []int            // trials whose checkpoints nobody needs any more
	byUser   bool             // the user ended the study, not a budget
	stopping bool             // running segments are being stopped
	note     string           // what keeps the study from going on
	reports  int              // children that came home in this run
	root     workflow.Context // of what outlives a cancellation
	trials   workflow.Context // of the children
	cancel   workflow.CancelFunc
}

// event is what the main loop waits for: a child that came home, or a
// decision that was made elsewhere.
type event struct {
	home     *child
	decision search.Decision
}

// Study is the study workflow.
func Study(ctx workflow.Context, in StudyInput) (StudyResult, error) {
	s := &study{in: in, children: map[int]*child{}}
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
		return StudyResult{}, err
	}
	decision, err := s.begin(ctx)
	if err != nil {
		return StudyResult{}, err
	}
	out, err := s.main(ctx, decision)
	if err != nil && !workflow.IsContinueAsNewError(err) { // whoever follows the study must hear of it
		failed := FinishInput{Study: in.Spec.Name, State: store.StudyFailed, Reason: message(err), Best: -1}
		if e := workflow.ExecuteLocalActivity(local(ctx), finishStudy, failed).Get(ctx, nil); e != nil {
			err = errors.Join(err, e)
		}
	}
	return out, err
}

// main follows decisions until the study is over.
func (s *study) main(ctx workflow.Context, decision search.Decision) (StudyResult, error) {
	s.deadline(ctx)
	s.watchWorkers(ctx)
	if err := s.follow(ctx, decision); err != nil {
		return StudyResult{}, err
	}
	for !s.loop.Finished {
		if s.drain && s.running == 0 && s.loop.Closing == "" {
			return StudyResult{}, s.continueAsNew(ctx)
		}
		if s.drain && s.running == 0 { // it ends soon: let it
			s.drain = false
			if err := s.follow(ctx, search.Decision{}); err != nil {
				return StudyResult{}, err
			}
			continue
		}
		if err := workflow.Await(ctx, func() bool { return len(s.inbox) > 0 }); err != nil {
			return StudyResult{}, err
		}
		var d search.Decision // what came together is decided and followed together
		for len(s.inbox) > 0 {
			e := s.inbox[0]
			s.inbox = s.inbox[1:]
			if e.home != nil {
				var err error
				if e.decision, err = s.report(ctx, e.home); err != nil {
					return StudyResult{}, err
				}
			}
			d.Run, d.Ended = append(d.Run, e.decision.Run...), append(d.Ended, e.decision.Ended...)
		}
		if err := s.follow(ctx, d); err != nil {
			return StudyResult{}, err
		}
		s.drain = s.drain || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	}
	for _, e := range s.inbox { // decided by a handler in the last moment
		if err := s.end(ctx, e.decision.Ended); err != nil {
			return StudyResult{}, err
		}
	}
	return s.finish(ctx)
}

// begin records the study and sets up the loop, anew or from what was carried
// over.
func (s *study) begin(ctx workflow.Context) (search.Decision, error) {
	carry, ended, settles := s.in.Carry, false, false
	var aside *AsideResult
	if carry == nil {
		var b BeginResult
		if err := workflow.ExecuteLocalActivity(local(ctx), beginStudy, BeginInput{s.in.Spec, s.in.Queue}).Get(ctx, &b); err != nil {
			return search.Decision{}, err
		}
		carry, ended, settles, aside = b.Carry, true, b.Settles, b.Aside
		if s.in.Spec.Data != nil && b.Digests != nil {
			s.in.Spec.Data.Digests = b.Digests
		}
	}
	sched := newScheduler(&s.in.Spec)
	if carry.new() {
		s.began = workflow.Now(ctx)
		if carry != nil {
			s.began = s.began.Add(-carry.Elapsed)
		}
		s.loop = &search.Loop{Scheduler: sched, Parallel: s.in.Spec.Search.Parallel, Trials: s.in.Spec.Budget.Trials, Retrain: s.in.Spec.retrain(), Settles: settles}
		s.aside(aside)
		return s.loop.Begin(), nil
	}
	if err := json.Unmarshal(carry.Scheduler, sched); err != nil {
		return search.Decision{}, temporal.NewNonRetryableApplicationError("the scheduler's saved state cannot be read", "Internal", err)
	}
	s.board, s.spent, s.pace, s.byUser = carry.Board, carry.Spent, carry.Pace, carry.ByUser
	s.given, s.waiting = carry.Given, carry.Held
	s.began = workflow.Now(ctx).Add(-carry.Elapsed)
	s.loop = &carry.Loop
	s.loop.Scheduler, s.loop.Retrain = sched, s.in.Spec.retrain()
	var d search.Decision
	if ended {
		s.board.revive(s.loop.Reopen())
		s.loop.Prefer(s.board.order())
		s.loop.Held, s.byUser, s.loop.Settles = false, false, settles
		d = s.aside(aside)
	}
	more := s.loop.Resize(s.slots(), s.in.Spec.Budget.Trials)
	d.Run, d.Ended = append(d.Run, more.Run...), append(d.Ended, more.Ended...)
	return d, nil
}

func (s *study) carry(ctx workflow.Context) (*Carry, error) {
	state, err := json.Marshal(s.loop.Scheduler)
	return &Carry{
		Loop: *s.loop, Scheduler: state, Board: s.board, Spent: s.spent, Pace: s.pace, ByUser: s.byUser, Elapsed: workflow.Now(ctx).Sub(s.began),
		Given: s.given, Held: s.waiting,
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

// finish tests the best trial, clears the checkpoints and records the end.
func (s *study) finish(ctx workflow.Context) (StudyResult, error) {
	out := StudyResult{State: store.StudyCompleted, Best: s.board.best()}
	reason := ending(s.loop)
	if s.byUser {
		out.State = store.StudyStopped
	}
	var best *Row
	if len(s.board.Rows) > 0 {
		best = &s.board.Rows[0]
	}
	in := s.in.Spec.model()
	if best != nil && in != nil {
		test := TestInput{Study: s.in.Spec.Name, Trial: best.Trial, Params: best.Params, Seed: s.in.Spec.Search.Seed, Model: *in, Checkpoint: best.Checkpoint}
		err := workflow.ExecuteActivity(onTrain(ctx, s.trainQueue(), "test "+search.TrialName(best.Trial), turn(s.in.Spec.Name, s.in.Spec.Search.Priority)), testTrial, test).Get(ctx, &out.Test)
		if err != nil {
			reason = joinReasons(reason, "the best trial could not be tested: "+message(err))
		}
	}
	keep := slices.Concat(s.in.Spec.keeps(), s.board.keeps(s.in.Spec.best()), s.board.unfinished(s.in.Spec.Name, s.loop))
	if err := workflow.ExecuteActivity(onTrain(ctx, s.trainQueue(), "remove checkpoints", turn(s.in.Spec.Name, s.in.Spec.Search.Priority)), sweepBlobs, s.in.Spec.Name, keep).Get(ctx, nil); err != nil {
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
