package workflows

import (
	"fmt"
	"hash/fnv"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// gangInput asks to train one segment in several processes.
type gangInput struct {
	Train    trainInput      `json:"train"` // one segment
	Queue    string          `json:"queue"` // task queue of the workers
	Needs    study.Resources `json:"needs,omitzero"`
	Priority int             `json:"priority,omitempty"`
	Before   study.Beside    `json:"before,omitzero"` // what other ranks have spent on the trial
	State    gangState       `json:"state,omitzero"`  // when it goes on as new
}

// gangState is what a gang has gone through.
type gangState struct {
	Spent   energy.Energy `json:"spent,omitzero"`    // by ranks above 0, in this segment
	Since   time.Time     `json:"since,omitzero"`    // it waits
	Waits   int           `json:"waits,omitempty"`   // how often it has waited
	Attempt int           `json:"attempt,omitempty"` // how often it was gathered
	Epoch   int           `json:"epoch,omitempty"`   // the last that it had finished when a rank was lost
	Row     int           `json:"row,omitempty"`     // ranks lost in a row without another epoch
}

// gang is a run of the gang workflow.
type gang struct {
	gangInput
	note  string
	waits string // the search attribute
}

// hopelessGang is how often in a row a gang may lose a rank before the same epoch is
// finished: then the trial is what ends its workers.
const hopelessGang = 5

// gangWorkflow trains a segment of a trial in several processes. It gathers places for
// all of them, starts them together, and gathers again if one is lost.
func gangWorkflow(ctx workflow.Context, in gangInput) (segment.Result, error) {
	g := &gang{gangInput: in}
	for {
		leases, err := g.gather(ctx)
		switch {
		case workflow.IsContinueAsNewError(err):
			return segment.Result{}, err
		case ctx.Err() != nil: // before it was complete
			return segment.Result{State: search.Stopped, Budget: in.Train.Tasks[0].From}, nil
		case err != nil:
			return segment.Result{}, err
		}
		out, why := g.train(ctx, leases)
		if out != nil {
			return g.whole(*out), nil
		}
		if ctx.Err() != nil {
			return g.whole(segment.Result{State: search.Stopped, Budget: in.Train.Tasks[0].From}), nil
		}
		if g.State.Row >= hopelessGang {
			return g.whole(segment.Result{
				State: search.Failed, Budget: in.Train.Tasks[0].From,
				Reason: fmt.Sprintf("%d times in a row its gang has lost a rank before epoch %d was finished: %s", g.State.Row, g.State.Epoch+1, why),
			}), nil
		}
		g.say(ctx, "a rank of "+g.name()+" was lost, its gang gathers again: "+why)
	}
}

// name is that of the trial.
func (g *gang) name() string { return g.Train.Tasks[0].Trial.Name() }

// whole adds to a result what the ranks above 0 have spent.
func (g *gang) whole(r segment.Result) segment.Result {
	return g.Before.Whole(r, g.State.Spent)
}

// gather waits until there are places for all ranks at once.
func (g *gang) gather(ctx workflow.Context) ([]lease, error) {
	task := &g.Train.Tasks[0]
	ranks := task.Mesh.Ranks
	g.State.Since = workflow.Now(ctx)
	for wait := time.Second; ; {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			in := g.gangInput
			return nil, workflow.NewContinueAsNewError(ctx, gangType, in)
		}
		var got gathered
		err := workflow.ExecuteChildWorkflow(gatherOptions(ctx, g.Queue), gatherType, gatherInput{
			Study: task.Study, Trial: g.name(), Queue: g.Queue, Min: ranks.Min, Max: ranks.Max, Priority: g.Priority, Joins: g.Train.Model != nil,
		}).Get(ctx, &got)
		pause := wait
		switch {
		case ctx.Err() != nil:
			g.giveUp(ctx, got.Leases)
			return nil, ctx.Err()
		case err == nil && len(got.Leases) > 0:
			g.State.Attempt++
			g.makeWay(ctx, "")
			g.say(ctx, "")
			return got.Leases, nil
		case temporal.IsWorkflowExecutionAlreadyStartedError(err): // another gang gathers
			pause = time.Second
		case err != nil:
			g.say(ctx, "the gang of "+g.name()+" cannot be gathered: "+message(err))
			wait = min(2*wait, 30*time.Second)
		default:
			g.lacks(ctx, got)
			wait = min(2*wait, 30*time.Second)
		}
		waited := workflow.Now(ctx).Sub(g.State.Since) + pause
		if waited >= patience && waited%(2*wayTime) < wayTime {
			g.makeWay(ctx, waits(g.Priority, g.Queue))
		} else {
			g.makeWay(ctx, "")
		}
		g.State.Waits++
		timer := workflow.NewTimerWithOptions(ctx, jitter(ctx, pause, g.State.Waits), workflow.TimerOptions{Summary: "until it gathers again"})
		if err := timer.Get(ctx, nil); err != nil {
			return nil, err
		}
	}
}

// wayTime is how long others make way for a gang at once. One that can never be
// complete must not stop them for ever.
const wayTime = 10 * time.Minute

// makeWay has workers keep new trials of no higher priority off the queue, by a search
// attribute; with "" no longer.
func (g *gang) makeWay(ctx workflow.Context, text string) {
	if text == g.waits {
		return
	}
	update := attrWaits.ValueSet(text)
	if text == "" {
		update = attrWaits.ValueUnset()
	}
	if workflow.UpsertTypedSearchAttributes(ctx, update) == nil {
		g.waits = text
	}
}

// jitter is a part of a pause, from half to all of it, that differs between gangs.
func jitter(ctx workflow.Context, pause time.Duration, n int) time.Duration {
	h := fnv.New64a()
	fmt.Fprint(h, workflow.GetInfo(ctx).WorkflowExecution.RunID, n)
	return pause/2 + time.Duration(h.Sum64()%uint64(pause/2+1))
}

// lacks says what a gang waits for.
func (g *gang) lacks(ctx workflow.Context, got gathered) {
	var note string
	err := workflow.ExecuteLocalActivity(local(ctx), checkGang, checkGangInput{
		Study: g.Train.Tasks[0].Study, Trial: g.name(), Queue: g.Queue, Needs: g.Needs, Ranks: g.Train.Tasks[0].Mesh.Ranks.String(), Found: got.Found, Note: got.Note,
	}).Get(ctx, &note)
	if err == nil {
		g.note = note
		workflow.SetCurrentDetails(ctx, search.Clip(note, 2000))
	}
}

// say notes something at the study, or with "" that it is over. That it could not be
// noted is no reason to end.
func (g *gang) say(ctx workflow.Context, note string) {
	if note == g.note {
		return
	}
	if workflow.ExecuteLocalActivity(local(ctx), noteGang, g.Train.Tasks[0].Study, note).Get(ctx, nil) == nil {
		g.note = note
		workflow.SetCurrentDetails(ctx, search.Clip(note, 2000))
	}
}

// giveUp gives back places of a gang that is not wanted any more.
func (g *gang) giveUp(ctx workflow.Context, list []lease) {
	rest, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	giveBack(rest, list, releaseInput{Why: "its trial was stopped"})
}

// trainGang trains a segment in several processes: see [gangWorkflow].
func (in *trialInput) trainGang(ctx workflow.Context, task trials.Task) (segment.Result, error) {
	var out segment.Result
	err := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            gangID(task.Study, task.Trial.ID),
		WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation:   true,
		TypedSearchAttributes: startAttributes(task),
		StaticSummary:         search.Clip(fmt.Sprintf("%s ranks train %s", task.Mesh.Ranks, segmentNames([]trials.Task{task})), 200),
		Priority:              priority(task.Study, in.Priority),
	}), gangType, gangInput{
		Train: trainInput{[]trials.Task{task}, in.Model, in.Command, in.Drop}, Queue: in.Queue, Needs: in.Needs, Priority: in.Priority, Before: in.Beside,
	}).Get(ctx, &out)
	if err == nil {
		in.Beside.Segment = out.Beside // another attempt goes on from there
	}
	return out, err
}

// gangID is the workflow id of the gang of a trial.
func gangID(study string, trial int) string { return trialID(study, trial) + "/gang" }
