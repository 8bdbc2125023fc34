package workflows

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"budwood/search"
	"budwood/study"
)

// storeActivities run in the process that owns the store: they are what a
// [study.Recorder] does, with errors that Temporal does not retry where that would not
// help.
type storeActivities struct {
	*study.Recorder

	client client.Client // to ask who polls; nil: not asked
}

// Begin is [study.Recorder.Begin].
func (a *storeActivities) Begin(ctx context.Context, in study.BeginInput) (study.BeginResult, error) {
	out, err := a.Recorder.Begin(ctx, in)
	return out, notRetried(err)
}

// Start is [study.Recorder.Start].
func (a *storeActivities) Start(ctx context.Context, in study.StartInput) ([]search.Trial, error) {
	out, err := a.Recorder.Start(ctx, in)
	return out, notRetried(err)
}

// notRetried makes a final error one that Temporal does not retry.
func notRetried(err error) error {
	var final *study.FinalError
	if errors.As(err, &final) {
		return temporal.NewNonRetryableApplicationError(final.Error(), final.Kind, nil)
	}
	return err
}

// checkWorkers notes at the study whether workers poll for its trials, and
// returns the note: "" if they do.
func (a *storeActivities) checkWorkers(ctx context.Context, study, queue string, needs study.Resources) (string, error) {
	note := ""
	if a.client != nil {
		r, err := a.client.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_ACTIVITY)
		if err != nil {
			return "", err
		}
		if len(r.Pollers) == 0 {
			note = fmt.Sprintf("no worker offers %s, which its trials need: start one with %s", needs, needs.WorkerCommand())
		}
	}
	return note, a.Store.Note(ctx, study, note)
}

// checkGangInput tells what a gang waits for.
type checkGangInput struct {
	Study string          `json:"study"`
	Trial string          `json:"trial"`
	Queue string          `json:"queue"`
	Needs study.Resources `json:"needs,omitzero"`
	Ranks string          `json:"ranks"`
	Found int             `json:"found"` // places that were free at once
	Note  string          `json:"note,omitempty"`
}

// checkGang notes at the study why a gang does not gather, and returns the note.
func (a *storeActivities) checkGang(ctx context.Context, in checkGangInput) (string, error) {
	if in.Found == 0 {
		if note, err := a.checkWorkers(ctx, in.Study, in.Queue, in.Needs); err != nil || note != "" {
			return note, err
		}
	}
	note := fmt.Sprintf("%s needs %s workers' places of %s at once; %d were free", in.Trial, in.Ranks, in.Needs, in.Found)
	if in.Note != "" {
		note += ": " + in.Note
	} else {
		note += ": more come with " + in.Needs.WorkerCommand()
	}
	return note, a.Store.Note(ctx, in.Study, note)
}

// noteGang notes something at a study.
func (a *storeActivities) noteGang(ctx context.Context, study, note string) error {
	return a.Store.Note(ctx, study, note)
}
