package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
)

// The registered names. They never change: histories and stored data hold them.
const (
	studyType      = "Study"
	trialType      = "Trial"
	gangType       = "Gang"
	gatherType     = "Gather"
	statusQuery    = "status"
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
	compressStudy  = "CompressStudy"
	reserveType    = "Reserve"
	rankType       = "Rank"
	releaseType    = "Release"
	checkGang      = "CheckGang"
	noteGang       = "NoteGang"
)

// studyInput starts a study workflow, or continues it as new.
type studyInput struct {
	Spec  study.Spec   `json:"spec"`
	Queue string       `json:"queue"` // prefix of the task queues
	Saved *study.State `json:"carry,omitempty"`
}

// Status is what the status query answers.
type Status struct {
	State       string            `json:"state"` // starting, running, paused, closing, finished
	Reason      string            `json:"reason,omitempty"`
	Trials      int               `json:"trials"`
	Running     int               `json:"running"`
	Spent       study.Spent       `json:"spent"`
	Leaderboard study.Leaderboard `json:"board"`
}

// studyRun is one run of the study workflow. Its progress is nil until the study has
// read where it stands.
type studyRun struct {
	*study.Progress
	in       studyInput
	drain    bool             // start nothing more: continue as new when the running ones have reported
	running  int              // children
	children map[int]*child   // workflows of the running trials
	inbox    []event          // what the main loop has not taken yet
	note     string           // what keeps the study from going on
	reports  int              // children that came home in this run
	root     workflow.Context // of what outlives a cancellation
	trials   workflow.Context // context of the children
	cancel   workflow.CancelFunc
}

// event is what the main loop waits for: a child that came home, or a
// decision that was made elsewhere.
type event struct {
	home     *child
	decision search.Decision
}

// studyWorkflow is the study workflow.
func studyWorkflow(ctx workflow.Context, in studyInput) (study.Result, error) {
	s := &studyRun{in: in, children: map[int]*child{}}
	cancelled := ctx.Done()
	ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancelled study still records how it ended
	s.root = ctx
	s.trials, s.cancel = workflow.WithCancel(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		cancelled.Receive(ctx, nil)
		if s.begun(ctx) == nil {
			s.ByUser = true
			s.close("the study workflow was cancelled", true)
		}
	})
	if err := s.handlers(ctx); err != nil {
		return study.Result{}, err
	}
	decision, err := s.begin(ctx)
	if err != nil {
		return study.Result{}, err
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
func (s *studyRun) main(ctx workflow.Context, decision search.Decision) (study.Result, error) {
	s.deadline(ctx)
	s.watchWorkers(ctx)
	if err := s.follow(ctx, decision); err != nil {
		return study.Result{}, err
	}
	for !s.Loop.Finished {
		if s.drain && s.running == 0 && s.Loop.Closing == "" {
			return study.Result{}, s.continueAsNew(ctx)
		}
		if s.drain && s.running == 0 { // it ends soon: let it
			s.drain = false
			if err := s.follow(ctx, search.Decision{}); err != nil {
				return study.Result{}, err
			}
			continue
		}
		if err := workflow.Await(ctx, func() bool { return len(s.inbox) > 0 }); err != nil {
			return study.Result{}, err
		}
		var d search.Decision // what came together is decided and followed together
		for len(s.inbox) > 0 {
			e := s.inbox[0]
			s.inbox = s.inbox[1:]
			if e.home != nil {
				var err error
				if e.decision, err = s.report(ctx, e.home); err != nil {
					return study.Result{}, err
				}
			}
			d.Add(e.decision)
		}
		if err := s.follow(ctx, d); err != nil {
			return study.Result{}, err
		}
		s.drain = s.drain || workflow.GetInfo(ctx).GetContinueAsNewSuggested()
	}
	for _, e := range s.inbox { // decided by a handler in the last moment
		if err := s.end(ctx, e.decision.Ended); err != nil {
			return study.Result{}, err
		}
	}
	return s.finish(ctx)
}

// begin records the study and reads where it stands.
func (s *studyRun) begin(ctx workflow.Context) (search.Decision, error) {
	var d search.Decision
	var p *study.Progress
	var err error
	if s.in.Saved != nil {
		p, err = study.Continue(&s.in.Spec, s.in.Saved, workflow.Now(ctx))
	} else {
		var known study.BeginResult
		if err := workflow.ExecuteLocalActivity(local(ctx), beginStudy, study.BeginInput{Spec: s.in.Spec, Queue: s.in.Queue}).Get(ctx, &known); err != nil {
			return d, err
		}
		if s.in.Spec.Data != nil && known.Digests != nil {
			s.in.Spec.Data.Digests = known.Digests
		}
		if known.Teacher != nil {
			s.in.Spec.Teacher = known.Teacher
		}
		if known.Clock != nil {
			s.in.Spec.Clock = known.Clock
		}
		p, d, err = study.Begin(&s.in.Spec, &known, workflow.Now(ctx))
	}
	if err != nil {
		return d, temporal.NewNonRetryableApplicationError("the scheduler's saved state cannot be read", "Internal", err)
	}
	s.Progress = p
	d.Add(s.Open(s.slots(), workflow.Now(ctx)))
	return d, nil
}

func (s *studyRun) continueAsNew(ctx workflow.Context) error {
	if err := workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) }); err != nil {
		return err
	}
	state, err := s.State(workflow.Now(ctx))
	if err != nil {
		return err
	}
	s.in.Saved = state
	return workflow.NewContinueAsNewError(ctx, studyType, s.in)
}

// finish tests the best trial, clears the checkpoints and records the end.
func (s *studyRun) finish(ctx workflow.Context) (study.Result, error) {
	spec, in := &s.in.Spec, s.Result()
	ours := priority(spec.Name, spec.Search.Priority)
	if best, model := s.Leaderboard.Top(), spec.Model(); best != nil && model != nil {
		test := testInput{Study: spec.Name, Trial: best.Trial, Params: best.Params, Seed: spec.Search.Seed, Model: *model, Checkpoint: best.Checkpoint, Front: s.Measured()}
		if err := workflow.ExecuteActivity(onTrain(ctx, s.trainQueue(), "test "+search.TrialName(best.Trial), ours), testTrial, test).Get(ctx, &in.Test); err != nil {
			in.Untested(message(err))
		}
	}
	if err := workflow.ExecuteActivity(onTrain(ctx, s.trainQueue(), "remove checkpoints", ours), sweepBlobs, spec.Name, s.Keep()).Get(ctx, nil); err != nil {
		in.Unswept(message(err))
	}
	out := study.Result{State: in.State, Best: in.Best, Test: in.Test}
	state, err := s.State(workflow.Now(ctx))
	if err != nil {
		return out, err
	}
	in.Saved = state
	err = workflow.ExecuteLocalActivity(local(ctx), finishStudy, in).Get(ctx, nil)
	s.details(ctx)
	if err != nil || spec.Then == nil {
		return out, err
	}
	if why := s.compress(ctx); why != nil {
		in.Uncompressed(message(why))
		err = workflow.ExecuteLocalActivity(local(ctx), finishStudy, in).Get(ctx, nil)
	}
	return out, err
}

// compress starts the study that makes the best network smaller, if there is to be one: it
// goes on by itself.
func (s *studyRun) compress(ctx workflow.Context) error {
	var spec *study.Spec
	if err := workflow.ExecuteLocalActivity(local(ctx), compressStudy, s.in.Spec.Name).Get(ctx, &spec); err != nil || spec == nil {
		return err
	}
	in := studyInput{Spec: *spec, Queue: s.in.Queue}
	started := workflow.ExecuteChildWorkflow(asStudy(ctx, &in), studyType, in).GetChildWorkflowExecution().Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(started) { // it runs already, for another end of this study
		return nil
	}
	return started
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
