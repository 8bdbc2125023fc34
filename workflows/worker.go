package workflows

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"budwood/study"
)

// DefaultQueue is the prefix of the task queues of studies from files.
const DefaultQueue = "budwood"

// submitTimeout is of a study's workflow tasks, which hold the local activities
// on the store.
const submitTimeout = 10 * time.Second

// newStoreWorker is the worker of the process that owns the store: workflow
// code and the activities on the store, which run within workflow tasks.
func newStoreWorker(c client.Client, queue string, a *storeActivities) worker.Worker {
	w := worker.New(c, storeQueue(queue), worker.Options{
		StickyScheduleToStartTimeout:     2 * time.Second,
		MaxConcurrentWorkflowTaskPollers: 4,
		DisableRegistrationAliasing:      true,
		Interceptors:                     []interceptor.WorkerInterceptor{&sendable{}},
	})
	w.RegisterWorkflowWithOptions(studyWorkflow, workflow.RegisterOptions{Name: studyType})
	w.RegisterWorkflowWithOptions(trialWorkflow, workflow.RegisterOptions{Name: trialType})
	w.RegisterWorkflowWithOptions(gangWorkflow, workflow.RegisterOptions{Name: gangType})
	w.RegisterWorkflowWithOptions(gatherWorkflow, workflow.RegisterOptions{Name: gatherType})
	w.RegisterWorkflowWithOptions(scheduledWorkflow, workflow.RegisterOptions{Name: scheduledType})
	for name, f := range a.byName() {
		w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	return w
}

// byName are the activities by their registered names.
func (a *storeActivities) byName() map[string]any {
	return map[string]any{beginStudy: a.Begin, startSegments: a.Start, recordSegments: a.Record, endTrials: a.End, checkWorkers: a.checkWorkers, editStudy: a.Edit, finishStudy: a.Finish, setAsideTrials: a.SetAside, checkGang: a.checkGang, noteGang: a.noteGang, compressStudy: a.Compressed}
}

// byName are the activities by their registered names.
func (a *TrainActivities) byName() map[string]any {
	return map[string]any{trainSegments: a.train, testTrial: a.test, sweepBlobs: a.sweep, reserveType: a.reserve}
}

// ofRanks are the activities on the worker's own queue.
func (a *TrainActivities) ofRanks() map[string]any {
	return map[string]any{rankType: a.rank, releaseType: a.release}
}

// Register makes the search attributes known to a server that lacks some.
func Register(ctx context.Context, c client.Client, namespace string) error {
	known, err := c.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return fmt.Errorf("list the search attributes of namespace %q: %w", namespace, err)
	}
	missing := Attributes()
	maps.DeleteFunc(missing, func(name string, _ enumspb.IndexedValueType) bool {
		_, ok := known.CustomAttributes[name]
		return ok
	})
	if len(missing) == 0 {
		return nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	var exists *serviceerror.AlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("register search attributes in namespace %q: %w", namespace, err)
	}
	return nil
}

// Workers are a store worker and a training worker of one process.
type Workers struct {
	store worker.Worker
	train *TrainWorker
}

// StartWorkers starts both workers.
func StartWorkers(c client.Client, namespace, queue string, recorder *study.Recorder, train *TrainActivities, o study.Offer) (*Workers, error) {
	ws := &Workers{newStoreWorker(c, queue, &storeActivities{recorder, c}), NewTrainWorker(c, namespace, queue, train, o)}
	if err := ws.store.Start(); err != nil {
		return nil, fmt.Errorf("start the worker of %s: %w", storeQueue(queue), err)
	}
	if err := ws.train.Start(); err != nil {
		ws.store.Stop()
		return nil, fmt.Errorf("start the worker of %s: %w", trainQueue(queue, study.Resources{}), err)
	}
	return ws, nil
}

// Stop stops them, the training one first: its results are still recorded.
func (ws *Workers) Stop() {
	ws.train.Stop()
	ws.store.Stop()
}
