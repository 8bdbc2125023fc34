package workflows

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/semaphore"

	"budwood/study"
)

// capacity is what is left of an offer.
type capacity struct {
	offer    study.Offer
	cpu, mem *semaphore.Weighted
}

func newCapacity(o study.Offer) *capacity {
	return &capacity{o, semaphore.NewWeighted(int64(o.CPU)), semaphore.NewWeighted(int64(o.Mem))}
}

// acquire waits for what a trial needs: of memory what it asks for, or its share. A
// nil capacity has everything.
func (c *capacity) acquire(ctx context.Context, r study.Resources) (release func(), err error) {
	if c == nil {
		return func() {}, nil
	}
	cpu, mem := int64(max(r.CPU, 1)), int64(r.Mem)
	if mem == 0 {
		mem = c.offer.Share(r, 0)
	}
	mem = min(mem, int64(c.offer.Mem))
	if err := c.cpu.Acquire(ctx, cpu); err != nil {
		return nil, err
	}
	if err := c.mem.Acquire(ctx, mem); err != nil {
		c.cpu.Release(cpu)
		return nil, err
	}
	return func() { c.mem.Release(mem); c.cpu.Release(cpu) }, nil
}

// TrainWorker trains: trials that need nothing special, and those of every
// study that runs whose needs its offer meets.
type TrainWorker struct {
	c        client.Client
	queue    string
	a        TrainActivities
	offer    study.Offer
	space    string // namespace
	capacity *capacity
	log      zerolog.Logger

	mu      sync.Mutex
	classes map[string]worker.Worker
	cancel  context.CancelFunc
	done    chan struct{}
}

// lookEvery is how often a worker looks for studies with needs.
const lookEvery = 2 * time.Second

// NewTrainWorker is a worker for the studies of a queue prefix.
func NewTrainWorker(c client.Client, namespace, queue string, a *TrainActivities, o study.Offer) *TrainWorker {
	o = o.Complete()
	if a.Data != nil && a.Data.Max == 0 {
		a.Data.Max = int64(o.Mem)
	}
	return &TrainWorker{
		c: c, queue: queue, a: *a, offer: o, space: namespace, capacity: newCapacity(o), log: a.Log,
		classes: map[string]worker.Worker{}, done: make(chan struct{}),
	}
}

// Start begins to train.
func (w *TrainWorker) Start() error {
	if err := w.serve("", study.Resources{}); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go func() {
		defer close(w.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(lookEvery):
			}
			if err := w.refresh(ctx); err != nil && ctx.Err() == nil {
				w.log.Warn().Err(err).Msg("the studies with special needs could not be listed")
			}
		}
	}()
	return nil
}

// Stop ends it; what is being trained goes on elsewhere.
func (w *TrainWorker) Stop() {
	w.cancel()
	<-w.done
	w.mu.Lock()
	defer w.mu.Unlock()
	var all sync.WaitGroup
	for _, c := range w.classes {
		all.Go(c.Stop)
	}
	all.Wait()
}

// serve starts to poll for trials of a class.
func (w *TrainWorker) serve(class string, needs study.Resources) error {
	slots := w.offer.Fits(needs)
	c := worker.New(w.c, trainQueue(w.queue, needs), worker.Options{
		MaxConcurrentActivityExecutionSize: slots,
		MaxConcurrentActivityTaskPollers:   min(max(slots, 2), 8),
		MaxHeartbeatThrottleInterval:       time.Second, // cancellation arrives with a heartbeat
		DefaultHeartbeatThrottleInterval:   time.Second,
		DisableWorkflowWorker:              true,
		WorkerStopTimeout:                  2 * time.Second,
		DisableRegistrationAliasing:        true,
		Interceptors:                       []interceptor.WorkerInterceptor{&sendable{}},
	})
	a := w.a
	a.needs, a.capacity = needs, w.capacity
	for name, f := range a.byName() {
		c.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	if err := c.Start(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.classes[class] = c
	return nil
}

// refresh serves the classes of the studies that run, and no others.
func (w *TrainWorker) refresh(ctx context.Context) error {
	wanted := map[string]study.Resources{}
	var page []byte
	for {
		r, err := w.c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: w.space, NextPageToken: page,
			Query: fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running' AND %s != ''", studyType, attrNeeds.GetName()),
		})
		if err != nil {
			return err
		}
		for _, e := range r.Executions {
			class, err := needsOf(e.SearchAttributes)
			if err != nil {
				w.log.Warn().Err(err).Msg("a study's needs cannot be read")
				continue
			}
			if needs, err := study.ParseClass(class); err == nil && w.offer.Fits(needs) > 0 {
				wanted[class] = needs
			}
		}
		if page = r.NextPageToken; len(page) == 0 {
			break
		}
	}
	var errs error
	for class, needs := range wanted {
		if w.classes[class] == nil {
			errs = errors.Join(errs, w.serve(class, needs))
		}
	}
	w.mu.Lock()
	var idle []worker.Worker
	for class, c := range w.classes {
		if _, ok := wanted[class]; !ok && class != "" {
			idle = append(idle, c)
			delete(w.classes, class)
		}
	}
	w.mu.Unlock()
	for _, c := range idle {
		go c.Stop()
	}
	return errs
}
