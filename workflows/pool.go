package workflows

import (
	"context"
	"crypto/rand"
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
	"budwood/trials"
)

// capacity is what is left of an offer.
type capacity struct {
	offer    study.Offer
	cpu, mem *semaphore.Weighted
}

func newCapacity(o study.Offer) *capacity {
	return &capacity{o, semaphore.NewWeighted(int64(o.CPU)), semaphore.NewWeighted(int64(o.Mem))}
}

// errBusy says that there is no room, and will not be before a gang has ended.
var errBusy = errors.New("the worker has no room: it trains for a gang")

// busyWait is how long a trial waits for room on a worker that trains for a gang, before
// another worker is asked.
const busyWait = 5 * time.Second

// needed are processors and memory: of memory what a trial asks for, or its share.
func (c *capacity) needed(r study.Resources) (cpu, mem int64) {
	cpu, mem = int64(max(r.CPU, 1)), int64(r.Mem)
	if mem == 0 {
		mem = c.offer.Share(r, 0)
	}
	return cpu, min(mem, int64(c.offer.Mem))
}

// acquire waits for what a trial needs; where gangs have places not for long. A nil
// capacity has everything.
func (c *capacity) acquire(ctx context.Context, r study.Resources, gangs *leases) (release func(), err error) {
	if c == nil {
		return func() {}, nil
	}
	cpu, mem := c.needed(r)
	soon, cancel := ctx, func() {}
	if gangs.any() {
		soon, cancel = context.WithTimeoutCause(ctx, busyWait, errBusy)
	}
	defer cancel()
	if err := c.cpu.Acquire(soon, cpu); err != nil {
		return nil, context.Cause(soon)
	}
	if err := c.mem.Acquire(soon, mem); err != nil {
		c.cpu.Release(cpu)
		return nil, context.Cause(soon)
	}
	return c.free(cpu, mem), nil
}

// tryAcquire takes what a trial needs if it is there.
func (c *capacity) tryAcquire(r study.Resources) (release func(), ok bool) {
	if c == nil {
		return func() {}, true
	}
	cpu, mem := c.needed(r)
	if !c.cpu.TryAcquire(cpu) {
		return nil, false
	}
	if !c.mem.TryAcquire(mem) {
		c.cpu.Release(cpu)
		return nil, false
	}
	return c.free(cpu, mem), true
}

func (c *capacity) free(cpu, mem int64) func() {
	return func() { c.mem.Release(mem); c.cpu.Release(cpu) }
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
	ranks   worker.Worker // of the worker's own queue; nil: no gang has come yet
	own     string        // that queue
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
	w := &TrainWorker{
		c: c, queue: queue, a: *a, offer: o, space: namespace, capacity: newCapacity(o), log: a.Log,
		classes: map[string]worker.Worker{}, done: make(chan struct{}),
	}
	w.a.leases, w.a.waiting = newLeases(w.serveRanks, o.Address, o.Plain, a.Sockets), &waiting{}
	return w
}

// Start begins to train.
func (w *TrainWorker) Start() error {
	if err := trials.SweepSeats(w.a.leases.sockets); err != nil { // they only take place
		w.log.Warn().Err(err).Msg("sockets of workers that are gone could not be removed")
	}
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
	if w.ranks != nil {
		all.Go(w.ranks.Stop)
	}
	all.Wait()
}

// serve starts to poll for trials of a class.
func (w *TrainWorker) serve(class string, needs study.Resources) error {
	a := w.a
	a.needs, a.capacity = needs, w.capacity
	c, err := w.poll(trainQueue(w.queue, needs), w.offer.Fits(needs), a.byName())
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.classes[class] = c
	return nil
}

// serveRanks starts to poll the queue that is this worker's alone, unless it does
// already, and returns its name: gangs reach there the places that it holds for them.
func (w *TrainWorker) serveRanks() (queue string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ranks != nil {
		return w.own, nil
	}
	own := w.queue + "-ranks-" + rand.Text()[:16]
	a := w.a
	c, err := w.poll(own, 2*w.offer.Fits(study.Resources{})+2, a.ofRanks()) // of a rank, and that its place is given back
	if err != nil {
		return "", err
	}
	w.ranks, w.own = c, own
	return own, nil
}

// poll starts to poll a queue for so many activities at once.
func (w *TrainWorker) poll(queue string, slots int, activities map[string]any) (worker.Worker, error) {
	c := worker.New(w.c, queue, worker.Options{
		MaxConcurrentActivityExecutionSize: slots,
		MaxConcurrentActivityTaskPollers:   min(max(slots, 2), 8),
		MaxHeartbeatThrottleInterval:       time.Second, // cancellation arrives with a heartbeat
		DefaultHeartbeatThrottleInterval:   time.Second,
		DisableWorkflowWorker:              true,
		WorkerStopTimeout:                  2 * time.Second,
		DisableRegistrationAliasing:        true,
		Interceptors:                       []interceptor.WorkerInterceptor{&sendable{}},
	})
	for name, f := range activities {
		c.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	return c, c.Start()
}

// refresh serves the classes of the studies that run, and no others.
func (w *TrainWorker) refresh(ctx context.Context) error {
	wanted, waits := map[string]study.Resources{}, map[string]int{}
	var page []byte
	for {
		r, err := w.c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: w.space, NextPageToken: page,
			Query: fmt.Sprintf("ExecutionStatus = 'Running' AND ((WorkflowType = %q AND %s != '') OR (WorkflowType = %q AND %s != ''))", studyType, attrNeeds.GetName(), gangType, attrWaits.GetName()),
		})
		if err != nil {
			return err
		}
		for _, e := range r.Executions {
			if e.Type.GetName() == gangType {
				if err := readWaits(e.SearchAttributes, waits); err != nil {
					w.log.Warn().Err(err).Msg("what a gang waits for cannot be read")
				}
				continue
			}
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
	w.a.waiting.set(waits)
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
