package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
)

const (
	gatherTime = 20 * time.Second // to get all the places that are needed
	settleTime = time.Second      // to get more of a range than the least
)

// gatherInput asks for the places of a gang.
type gatherInput struct {
	Study    string `json:"study"`
	Trial    string `json:"trial"`
	Queue    string `json:"queue"` // task queue of the workers
	Min      int    `json:"min"`
	Max      int    `json:"max"`
	Priority int    `json:"priority,omitempty"`
	Joins    bool   `json:"joins,omitempty"` // its ranks train a network
}

// gathered are places for all ranks, or none and what there was instead.
type gathered struct {
	Leases []lease `json:"leases,omitempty"` // by rank: those of a machine follow one another
	Found  int     `json:"found"`            // places that were free at once
	Note   string  `json:"note,omitempty"`   // why they were not enough, if not by their number
}

// gatherID is the workflow id of who gathers a gang from a task queue. There is one at a
// time, so that two gangs never hold half of the places each and wait for the other
// half.
func gatherID(queue string) string { return "gather/" + queue }

// gatherWorkflow gathers places for a gang: all that it needs, within [gatherTime], or
// none.
func gatherWorkflow(ctx workflow.Context, in gatherInput) (gathered, error) {
	rest, _ := workflow.NewDisconnectedContext(ctx) // of what follows a cancellation
	asking, stop := workflow.WithCancel(ctx)
	var found []lease
	pending := in.Max
	for range in.Max {
		f := workflow.ExecuteActivity(onReserve(asking, in), reserveType, reserveInput{in.Study, in.Trial, in.Joins})
		workflow.Go(rest, func(ctx workflow.Context) {
			var l lease
			if f.Get(ctx, &l) == nil {
				found = append(found, l)
			}
			pending--
		})
	}
	enough := func() bool { return len(choose(found, in.Min, in.Max)) >= in.Min }
	_, err := workflow.AwaitWithTimeout(ctx, gatherTime, func() bool { return pending == 0 || enough() })
	if err == nil && pending > 0 && enough() {
		_, err = workflow.AwaitWithTimeout(ctx, settleTime, func() bool { return pending == 0 })
	}
	stop()
	if e := workflow.Await(rest, func() bool { return pending == 0 }); e != nil {
		return gathered{}, e
	}
	out := gathered{Found: len(found)}
	if out.Leases = choose(found, in.Min, in.Max); err != nil {
		out.Leases = nil
	} else if len(out.Leases) == 0 && len(found) >= in.Min {
		out.Note = scattered(found)
	}
	var give []lease
	for _, l := range found {
		if !slices.ContainsFunc(out.Leases, func(o lease) bool { return o.ID == l.ID }) {
			give = append(give, l)
		}
	}
	giveBack(rest, give, releaseInput{Why: "its gang has not gathered"})
	return out, err
}

// choose are the places of a gang, by rank: those of one machine, or on several
// machines those that reach each other, whichever are more. It is nil if there are too
// few.
func choose(found []lease, least, most int) []lease {
	byHost := map[string][]lease{}
	var reached []lease
	for _, l := range found {
		byHost[l.Host] = append(byHost[l.Host], l)
		if l.Address != "" {
			reached = append(reached, l)
		}
	}
	size := func(l lease) int { return len(byHost[l.Host]) }
	order := func(a, b lease) int {
		return cmp.Or(size(b)-size(a), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.ID, b.ID))
	}
	all := slices.SortedFunc(slices.Values(found), order)
	if len(all) == 0 {
		return nil
	}
	best := byHost[all[0].Host] // the most of one machine
	if len(reached) > len(best) {
		best = reached
	}
	if len(best) < least {
		return nil
	}
	best = slices.SortedFunc(slices.Values(best), order)
	return best[:min(len(best), most)]
}

// scattered says why places that would be enough are not.
func scattered(found []lease) string {
	i := slices.IndexFunc(found, func(l lease) bool { return l.Address == "" })
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("they are on several machines, and worker %s cannot be reached from another one: start it with --ranks-listen ADDRESS", found[i].Worker)
}

// giveBack gives back places that are not needed. A worker that does not answer gives
// them back by itself.
func giveBack(ctx workflow.Context, list []lease, in releaseInput) {
	var all []workflow.Future
	for _, l := range list {
		in.Lease = l.ID
		all = append(all, workflow.ExecuteActivity(onLease(ctx, l, "give back a place"), releaseType, in))
	}
	for _, f := range all {
		_ = f.Get(ctx, nil)
	}
}

// onReserve is how a place is asked for.
func onReserve(ctx workflow.Context, in gatherInput) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              in.Queue,
		ScheduleToCloseTimeout: gatherTime,
		StartToCloseTimeout:    5 * time.Second,
		WaitForCancellation:    true,
		Summary:                search.Clip("a place for a rank of "+in.Trial, 200),
		Priority:               priority(in.Study, in.Priority),
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: busyPause, BackoffCoefficient: 1.2, MaximumInterval: time.Second},
	})
}

// onLease is how a short activity runs on the worker that holds a place.
func onLease(ctx workflow.Context, l lease, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: l.Queue, ScheduleToCloseTimeout: 5 * time.Second, Summary: summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, MaximumInterval: time.Second},
	})
}

// gatherOptions is how a gang starts to gather. Who gathers already is an error.
func gatherOptions(ctx workflow.Context, queue string) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            gatherID(queue),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		WorkflowRunTimeout:    2 * time.Minute, // whatever happens to it, others go on
	})
}
