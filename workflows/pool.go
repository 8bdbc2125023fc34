package workflows

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/semaphore"

	"budwood/trials"
)

// Offer is what a training worker has: its trials together use no more. The
// zero value means every processor, a share of the memory that there is (see
// [trials.TrialMemory]) and no tags.
type Offer struct {
	CPU  int
	Mem  Bytes
	Tags []string

	of string // what the memory is a part of; "" means that the operator said how much
}

// Complete fills in what is not given.
func (o Offer) Complete() Offer {
	if o.CPU == 0 {
		o.CPU = runtime.GOMAXPROCS(0)
	}
	if o.Mem == 0 {
		mem, of := trials.TrialMemory()
		o.Mem, o.of = Bytes(mem), of
	}
	return o
}

// fits tells how many trials with such needs the worker can train at once. One that
// asks for more memory than the default gets all of it.
func (o Offer) fits(r Resources) int {
	for _, t := range r.Tags {
		if !slices.Contains(o.Tags, t) {
			return 0
		}
	}
	n := o.CPU / max(r.CPU, 1)
	if o.Mem > 0 && r.Mem > 0 {
		fit := int(o.Mem / r.Mem)
		if o.of != "" {
			fit = max(fit, 1)
		}
		n = min(n, fit)
	}
	return n
}

// share is the memory of a trial that does not ask for some, of all but what the
// data set takes. It is 0 if memory is not counted.
func (o Offer) share(r Resources, data int64) int64 {
	if o.Mem == 0 {
		return 0
	}
	return max((int64(o.Mem)-data)/int64(max(o.CPU/max(r.CPU, 1), 1)), 1)
}

// Room is what a trial of a study may take, with a data set of so many bytes: what
// the study asks for, or its share of the worker's, of which the data set is taken
// off once for all. who is the worker.
func (o Offer) Room(r Resources, data int64, who string) trials.Room {
	share := o.share(r, data)
	switch {
	case r.Mem > 0:
		return trials.Room{Bytes: int64(r.Mem), Of: "resources.mem of the study"}
	case share == 0:
		return trials.Room{}
	}
	return trials.Room{Bytes: data + share, Of: fmt.Sprintf("%s has %s, for %d at once and their data set", who, o.words(), max(o.CPU/max(r.CPU, 1), 1))}
}

// words are the memory for trials, and what it is a part of.
func (o Offer) words() string {
	return trials.BytesText(int64(o.Mem)) + " " + cmp.Or(o.of, "by --mem")
}

// Describe tells how much memory there is for a trial.
func (o Offer) Describe() string {
	o = o.Complete()
	if o.Mem == 0 {
		return "not counted, for what there is cannot be told: say it with --mem"
	}
	return fmt.Sprintf("%s for a trial: %s, for %d at once; a network that is planned to take more is infeasible", trials.BytesText(o.share(Resources{}, 0)), o.words(), o.CPU)
}

// capacity is what is left of an offer.
type capacity struct {
	offer    Offer
	cpu, mem *semaphore.Weighted
}

func (o Offer) capacity() *capacity {
	return &capacity{o, semaphore.NewWeighted(int64(o.CPU)), semaphore.NewWeighted(int64(o.Mem))}
}

// acquire waits for what a trial needs: of memory what it asks for, or its share. A
// nil capacity has everything.
func (c *capacity) acquire(ctx context.Context, r Resources) (release func(), err error) {
	if c == nil {
		return func() {}, nil
	}
	cpu, mem := int64(max(r.CPU, 1)), int64(r.Mem)
	if mem == 0 {
		mem = c.offer.share(r, 0)
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
	offer    Offer
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
func NewTrainWorker(c client.Client, namespace, queue string, a *TrainActivities, o Offer) *TrainWorker {
	o = o.Complete()
	if a.Data != nil && a.Data.Max == 0 {
		a.Data.Max = int64(o.Mem)
	}
	return &TrainWorker{
		c: c, queue: queue, a: *a, offer: o, space: namespace, capacity: o.capacity(), log: a.Log,
		classes: map[string]worker.Worker{}, done: make(chan struct{}),
	}
}

// Start begins to train.
func (w *TrainWorker) Start() error {
	if err := w.serve("", Resources{}); err != nil {
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
			if err := w.look(ctx); err != nil && ctx.Err() == nil {
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
func (w *TrainWorker) serve(class string, needs Resources) error {
	slots := w.offer.fits(needs)
	c := worker.New(w.c, TrainQueue(w.queue, needs), worker.Options{
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
	for name, f := range trainActivities(&a) {
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

// look serves the classes of the studies that run, and no others.
func (w *TrainWorker) look(ctx context.Context) error {
	wanted := map[string]Resources{}
	var page []byte
	for {
		r, err := w.c.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Namespace: w.space, NextPageToken: page,
			Query: fmt.Sprintf("WorkflowType = %q AND ExecutionStatus = 'Running' AND %s != ''", StudyType, AttrNeeds.GetName()),
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
			if needs, err := parseClass(class); err == nil && w.offer.fits(needs) > 0 {
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
