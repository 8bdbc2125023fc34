package workflows

import (
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/segment"
)

// trialInput is what is trained together: one segment of a trial, or segments of
// several trials. It starts a trial workflow, or runs within the study's own
// (see [study.Throughput]).
type trialInput struct {
	Tasks      []trials.Task   `json:"tasks"`
	Model      *study.Model    `json:"model,omitempty"` // nil: a command, or the worker's own Go objective
	Command    *trials.Command `json:"command,omitempty"`
	Queue      string          `json:"queue"` // task queue of the workers
	MaxRetries int             `json:"max_retries,omitempty"`
	Priority   int             `json:"priority,omitempty"`
	Drop       []int           `json:"drop,omitempty"`  // trials whose checkpoints nobody needs any more
	Needs      study.Resources `json:"needs,omitzero"`  // of each rank of a gang
	Beside     study.Beside    `json:"beside,omitzero"` // what ranks above 0 have spent on a trial that gangs train
}

// stopSignal tells a trial workflow to end its training; it carries the reason.
const stopSignal = "stop"

// trialWorkflow is the trial workflow: it trains its segments and records them, and
// shows them in the Temporal UI.
func trialWorkflow(ctx workflow.Context, in trialInput) ([]segment.Result, error) {
	train, cancel := workflow.WithCancel(ctx)
	why := studyStopped
	workflow.Go(ctx, func(ctx workflow.Context) {
		workflow.GetSignalChannel(ctx, stopSignal).Receive(ctx, &why)
		cancel()
	})
	results, err := in.run(train, &why)
	if err != nil {
		return results, err
	}
	return results, workflow.UpsertTypedSearchAttributes(ctx, resultAttributes(in.Tasks, results)...)
}

// studyStopped is the reason of trials whose training is cancelled and nobody
// says why.
const studyStopped = "the study was stopped"

// run trains the segments and records them. Errors of the user's code are counted
// here, up to MaxRetries; a lost worker costs nothing, the activity is retried
// from its checkpoints. When train is cancelled the trials are stopped, and why
// is their reason.
func (in *trialInput) run(train workflow.Context, why *string) ([]segment.Result, error) {
	results := make([]segment.Result, len(in.Tasks))
	attempts := make([]int, len(in.Tasks))
	todo := make([]int, len(in.Tasks))
	for i := range todo {
		todo[i] = i
	}
	for attempt := 1; len(todo) > 0; attempt++ {
		tasks := make([]trials.Task, len(todo))
		for i, k := range todo {
			tasks[i] = in.Tasks[k]
		}
		got := in.train(train, tasks)
		var failed []int
		for i, k := range todo {
			results[k], attempts[k] = got[i], attempt
			switch got[i].State {
			case search.Stopped:
				results[k].Reason = *why
			case search.Failed:
				if attempt <= in.MaxRetries && train.Err() == nil {
					failed = append(failed, k)
				}
			}
		}
		todo = failed
	}
	ctx, done := workflow.NewDisconnectedContext(train) // what was trained is recorded, come what may
	defer done()
	reports := make([]segment.Report, len(results))
	for i := range results {
		reports[i] = in.Tasks[i].Report(results[i], attempts[i])
		results[i].Curve, results[i].Version, results[i].Notes = nil, nil, nil // recorded; the parent has no use for it
	}
	return results, workflow.ExecuteLocalActivity(local(ctx), recordSegments, reports).Get(ctx, nil)
}

// train trains segments on a worker. What keeps all of them from training, such
// as data that cannot be read, is the failure of each.
func (in *trialInput) train(ctx workflow.Context, tasks []trials.Task) []segment.Result {
	got := make([]segment.Result, 1)
	var err error
	if tasks[0].Mesh.Ranks.Several() {
		got[0], err = in.trainGang(ctx, tasks[0])
	} else {
		err = workflow.ExecuteActivity(onTrain(ctx, in.Queue, "train "+segmentNames(tasks), priority(tasks[0].Study, in.Priority)), trainSegments, trainInput{tasks, in.Model, in.Command, in.Drop}).Get(ctx, &got)
	}
	if err == nil && len(got) == len(tasks) {
		return got
	}
	got = make([]segment.Result, len(tasks))
	for i, t := range tasks {
		got[i] = segment.Result{State: search.Failed, Budget: t.From}
		switch {
		case ctx.Err() != nil: // cancelled before a worker took it
			got[i].State = search.Stopped
		case err != nil:
			got[i].Reason = message(err)
		default:
			got[i].Reason = "the worker's answer is of other trials"
		}
	}
	return got
}

// segmentNames names what an activity trains: "t0031 epochs 9→27", "t0031 to
// t0062 epochs 0→1".
func segmentNames(tasks []trials.Task) string {
	first := tasks[0]
	if len(tasks) == 1 {
		return fmt.Sprintf("%s epochs %d→%d", first.Trial.Name(), first.From, first.To)
	}
	return fmt.Sprintf("%s and %d more", first.Trial.Name(), len(tasks)-1)
}

// trialOptions is how a study starts a trial's workflow.
func trialOptions(ctx workflow.Context, in trialInput) workflow.Context {
	t := in.Tasks[0]
	id, summary := trialID(t.Study, t.Trial.ID), t.Trial.Params.String()
	if more := len(in.Tasks) - 1; more > 0 {
		id, summary = fmt.Sprintf("%s+%d", id, more), segmentNames(in.Tasks)
	}
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            id,
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		TypedSearchAttributes: startAttributes(t),
		StaticSummary:         search.Clip(summary, 200),
		StaticDetails:         trialDetails(in.Tasks),
		Priority:              priority(t.Study, in.Priority),
	})
}

// onTrain is how an activity runs on the workers.
func onTrain(ctx workflow.Context, queue, summary string, p temporal.Priority) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           queue,
		StartToCloseTimeout: 30 * 24 * time.Hour,
		HeartbeatTimeout:    5 * time.Second,
		WaitForCancellation: true,
		Summary:             search.Clip(summary, 200),
		Priority:            p,
		// User errors are not retried here, so what is retried is a lost worker.
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second},
	})
}

// priority says when workers take a study's tasks: those of a more urgent study
// first; studies of the same priority take turns, however many tasks each has
// waiting (on a server with matching.enableFairness, as the embedded one).
func priority(study string, priority int) temporal.Priority {
	return temporal.Priority{PriorityKey: priority, FairnessKey: study}
}

// local is how an activity on the store runs: in the store's process, within
// the workflow task, without a trip through the server. It is retried until
// the store can be written again.
func local(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 5 * time.Second},
	})
}

// proposalTime is how long the workflow waits for a sampler of the user's own.
const proposalTime = 10 * time.Minute

// proposing is local for proposals: a sampler of the user's own may take longer.
func (s *studyRun) proposing(ctx workflow.Context) workflow.Context {
	o := workflow.GetLocalActivityOptions(local(ctx))
	if s.in.Spec.Search.Own {
		o.StartToCloseTimeout = proposalTime
	}
	return workflow.WithLocalActivityOptions(ctx, o)
}

// StudyID and trialID are workflow ids.
func StudyID(study string) string { return "study/" + study }

// trialID is the workflow id of a trial; its runs are the trial's segments.
func trialID(study string, trial int) string {
	return StudyID(study) + "/" + search.TrialName(trial)
}

// storeQueue is the task queue of the process that owns the store, trainQueue
// that of the workers.
func storeQueue(prefix string) string { return prefix + "-store" }

// trainQueue is the task queue of the workers that have what a trial needs.
func trainQueue(prefix string, needs study.Resources) string {
	if c := needs.Class(); c != "" {
		return prefix + "-train:" + c
	}
	return prefix + "-train"
}

// trainQueue is where a study's trials are trained.
func (s *studyRun) trainQueue() string { return trainQueue(s.in.Queue, s.in.Spec.Resources) }
