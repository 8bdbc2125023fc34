package workflows

import (
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/trials"
)

// TrialInput starts a trial workflow: one segment of a trial.
type TrialInput struct {
	Task       trials.Task `json:"task"`
	Model      *Model      `json:"model,omitempty"` // nil: the worker's own Go objective
	Queue      string      `json:"queue"`
	MaxRetries int         `json:"max_retries,omitempty"`
}

// Trial is the trial workflow: it trains one segment and records it. User
// errors are counted here, up to MaxRetries; a lost worker costs nothing, the
// activity is retried from its checkpoint.
func Trial(ctx workflow.Context, in TrialInput) (trials.Result, error) {
	var r trials.Result
	summary := fmt.Sprintf("train %s epochs %d→%d", in.Task.Trial.Name(), in.Task.From, in.Task.To)
	var attempt int
	for {
		attempt++
		err := workflow.ExecuteActivity(onTrain(ctx, in.Queue, summary), trainSegment, TrainInput{in.Task, in.Model}).Get(ctx, &r)
		if err == nil {
			break
		}
		if ctx.Err() != nil { // cancelled before a worker took it
			r = trials.Result{State: search.Stopped, Reason: "the study was stopped", Budget: in.Task.From}
			break
		}
		if attempt > in.MaxRetries {
			r = trials.Result{State: search.Failed, Reason: message(err), Budget: in.Task.From}
			break
		}
	}
	ctx, _ = workflow.NewDisconnectedContext(ctx) // what was trained is recorded, come what may
	if err := workflow.ExecuteLocalActivity(local(ctx), recordSegment, report(in.Task, &r, attempt)).Get(ctx, nil); err != nil {
		return r, err
	}
	r.Curve = nil // recorded; the parent has no use for it
	return r, workflow.UpsertTypedSearchAttributes(ctx, resultAttributes(in.Task, &r)...)
}

// report is a segment's result as the store takes it.
func report(t trials.Task, r *trials.Result, attempt int) trials.Report {
	return trials.Report{
		Study: t.Study, Trial: t.Trial.ID, From: t.From, To: t.To, Attempt: attempt,
		State: r.State, Reason: r.Reason, Curve: r.Curve, Final: r.Final, Energy: r.Energy, Seconds: r.Seconds, Worker: r.Worker,
	}
}

// trialOptions is how a study starts a trial's workflow.
func trialOptions(ctx workflow.Context, in TrialInput) workflow.Context {
	t := in.Task
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            TrialID(t.Study, t.Trial.ID),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		TypedSearchAttributes: startAttributes(t),
		StaticSummary:         clip(t.Trial.Params.String(), 200),
		StaticDetails:         trialDetails(t),
	})
}

// onTrain is how an activity runs on the workers.
func onTrain(ctx workflow.Context, queue, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:           TrainQueue(queue),
		StartToCloseTimeout: 30 * 24 * time.Hour,
		HeartbeatTimeout:    5 * time.Second,
		WaitForCancellation: true,
		Summary:             summary,
		// User errors are not retried here, so what is retried is a lost worker.
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second},
	})
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

// StudyID and TrialID are workflow ids.
func StudyID(study string) string { return "study/" + study }

// TrialID is the workflow id of a trial; its runs are the trial's segments.
func TrialID(study string, trial int) string {
	return StudyID(study) + "/" + search.TrialName(trial)
}

// StoreQueue is the task queue of the process that owns the store, TrainQueue
// that of the workers.
func StoreQueue(prefix string) string { return prefix + "-store" }

// TrainQueue is the task queue of the workers.
func TrainQueue(prefix string) string { return prefix + "-train" }
