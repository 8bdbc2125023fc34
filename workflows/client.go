package workflows

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"budwood/search"
	"budwood/study"
)

// ErrNotRunning says that a study has no workflow that runs on the server.
var ErrNotRunning = errors.New("it does not run on this Temporal server")

// Submit starts a study's workflow, or attaches to it if it runs.
func Submit(ctx context.Context, c client.Client, spec *study.Spec, queue string) (client.WorkflowRun, error) {
	return c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       StudyID(spec.Name),
		TaskQueue:                storeQueue(queue),
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowTaskTimeout:      submitTimeout,
		TypedSearchAttributes:    studyAttributes(spec),
		StaticSummary:            search.Clip(study.Summary(spec), 200),
		StaticDetails:            search.Clip(study.Describe(spec), 20_000),
	}, studyType, studyInput{Spec: *spec, Queue: queue})
}

// Update asks a study that runs for one of the updates (see [StopUpdate] and
// those beside it) and returns its answer. A request that the study refuses is an
// error in its words; one that the study does not hear wraps [ErrNotRunning].
func Update(ctx context.Context, c client.Client, study, update string, arg ...any) (Status, error) {
	h, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: StudyID(study), UpdateName: update, Args: arg,
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	var st Status
	if err == nil {
		err = h.Get(ctx, &st)
	}
	var gone *serviceerror.NotFound
	switch {
	case err == nil || ctx.Err() != nil:
		return st, err
	case errors.As(err, &gone):
		return st, fmt.Errorf("study %q: %w", study, ErrNotRunning)
	}
	return st, fmt.Errorf("study %q: %s", study, message(err))
}

// Wait waits for a study's end. The error is the study's own, in its words; that of
// one without a workflow wraps [ErrNotRunning].
func Wait(ctx context.Context, c client.Client, study string) error {
	err := c.GetWorkflow(ctx, StudyID(study), "").Get(ctx, nil)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return fmt.Errorf("study %q: %w", study, ErrNotRunning)
	}
	return fmt.Errorf("study %q: %s", study, message(err))
}
