package workflows

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// DefaultQueue is the prefix of the task queues of studies from files.
const DefaultQueue = "budwood"

// submitTimeout is of a study's workflow tasks, which hold the local activities
// on the store.
const submitTimeout = 10 * time.Second

// NewStoreWorker is the worker of the process that owns the store: workflow
// code and the activities on the store, which run within workflow tasks.
func NewStoreWorker(c client.Client, queue string, a *StoreActivities) worker.Worker {
	w := worker.New(c, StoreQueue(queue), worker.Options{
		StickyScheduleToStartTimeout:     2 * time.Second,
		MaxConcurrentWorkflowTaskPollers: 4,
		DisableRegistrationAliasing:      true,
	})
	w.RegisterWorkflowWithOptions(Study, workflow.RegisterOptions{Name: StudyType})
	w.RegisterWorkflowWithOptions(Trial, workflow.RegisterOptions{Name: TrialType})
	for name, f := range storeActivities(a) {
		w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	return w
}

// NewTrainWorker is a worker that trains, as many segments at once as slots; 0
// means one a core.
func NewTrainWorker(c client.Client, queue string, a *TrainActivities, slots int) worker.Worker {
	if slots == 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	w := worker.New(c, TrainQueue(queue), worker.Options{
		MaxConcurrentActivityExecutionSize: slots,
		MaxConcurrentActivityTaskPollers:   min(max(slots, 2), 8),
		MaxHeartbeatThrottleInterval:       time.Second, // cancellation arrives with a heartbeat
		DefaultHeartbeatThrottleInterval:   time.Second,
		DisableWorkflowWorker:              true,
		WorkerStopTimeout:                  2 * time.Second,
		DisableRegistrationAliasing:        true,
	})
	for name, f := range trainActivities(a) {
		w.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	return w
}

// storeActivities and trainActivities are the activities by their registered
// names.
func storeActivities(a *StoreActivities) map[string]any {
	return map[string]any{beginStudy: a.Begin, startSegments: a.Start, recordSegments: a.Record, endTrials: a.End, editStudy: a.Edit, finishStudy: a.Finish}
}

func trainActivities(a *TrainActivities) map[string]any {
	return map[string]any{trainSegments: a.Train, testTrial: a.Test, sweepBlobs: a.Sweep}
}

// Register makes the search attributes known to a server.
func Register(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: Attributes(),
	})
	var exists *serviceerror.AlreadyExists
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("register search attributes in namespace %q: %w", namespace, err)
	}
	return nil
}

// Workers are a store worker and a training worker of one process.
type Workers []worker.Worker

// StartWorkers starts both workers.
func StartWorkers(c client.Client, queue string, store *StoreActivities, train *TrainActivities, slots int) (Workers, error) {
	ws := Workers{NewStoreWorker(c, queue, store), NewTrainWorker(c, queue, train, slots)}
	for i, w := range ws {
		if err := w.Start(); err != nil {
			ws[:i].Stop()
			return nil, fmt.Errorf("start the worker of %s: %w", queue, err)
		}
	}
	return ws, nil
}

// Stop stops them, the training one first: its results are still recorded.
func (ws Workers) Stop() {
	for i := len(ws) - 1; i >= 0; i-- {
		ws[i].Stop()
	}
}
