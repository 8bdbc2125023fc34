package workflows

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"budwood/search"
	"budwood/study"
)

// scheduledType is the workflow that a schedule starts: it starts a study under
// a name of its own.
const scheduledType = "ScheduledStudy"

// Recurrence says when a scheduled study runs: after every interval, or by
// calendar (five fields as in crontab, UTC).
type Recurrence struct {
	Every time.Duration
	Cron  string
}

// scheduledWorkflow starts the study of a schedule, named after the day and time, and
// waits for its end, so that the next one begins after it and finds it to start
// from.
func scheduledWorkflow(ctx workflow.Context, in studyInput) (study.Result, error) {
	in.Spec.Name = scheduledName(in.Spec.Name, workflow.GetInfo(ctx).WorkflowStartTime)
	var out study.Result
	err := workflow.ExecuteChildWorkflow(asStudy(ctx, &in), studyType, in).Get(ctx, &out)
	return out, err
}

// asStudy is how a study runs that a workflow starts, and that goes on without it.
func asStudy(ctx workflow.Context, in *studyInput) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:            StudyID(in.Spec.Name),
		TaskQueue:             storeQueue(in.Queue),
		ParentClosePolicy:     enumspb.PARENT_CLOSE_POLICY_ABANDON,
		TypedSearchAttributes: studyAttributes(&in.Spec),
		StaticSummary:         search.Clip(study.Summary(&in.Spec), 200),
		StaticDetails:         search.Clip(study.Describe(&in.Spec), 20_000),
	})
}

// scheduledName is the name of a schedule's study: nightly-20261124-0300.
func scheduledName(name string, at time.Time) string {
	return name + at.UTC().Format("-20060102-1504")
}

func scheduleID(name string) string { return "schedule/" + name }

// AddSchedule makes a study run again and again, one at a time, each warm-started
// from those before (unless its search.warm_start is off).
func AddSchedule(ctx context.Context, c client.Client, spec *study.Spec, queue string, r Recurrence) error {
	if len(scheduledName(spec.Name, time.Time{})) > 64 {
		return &study.FieldError{Path: "name", Err: fmt.Errorf("%q is too long for a schedule: 50 letters at most, for each study has its time behind it", spec.Name)}
	}
	s := client.ScheduleSpec{}
	if r.Cron != "" {
		s.CronExpressions = []string{r.Cron}
	} else {
		s.Intervals = []client.ScheduleIntervalSpec{{Every: r.Every}}
	}
	_, err := c.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: scheduleID(spec.Name), Spec: s, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
		Action: &client.ScheduleWorkflowAction{
			ID: scheduleID(spec.Name), Workflow: scheduledType, Args: []any{studyInput{Spec: *spec, Queue: queue}}, TaskQueue: storeQueue(queue),
		},
	})
	var bad *serviceerror.InvalidArgument
	switch {
	case errors.Is(err, temporal.ErrScheduleAlreadyRunning):
		return fmt.Errorf("there is a schedule %q already: remove it first", spec.Name)
	case errors.As(err, &bad):
		return fmt.Errorf("schedule %q: %s", spec.Name, bad.Message)
	}
	return err
}

// ScheduleEntry is a schedule in a list.
type ScheduleEntry struct {
	Name string      `json:"name"`
	Next []time.Time `json:"next"` // runs
	Last []time.Time `json:"last"`
}

// Schedules lists the schedules.
func Schedules(ctx context.Context, c client.Client) ([]ScheduleEntry, error) {
	it, err := c.ScheduleClient().List(ctx, client.ScheduleListOptions{})
	if err != nil {
		return nil, err
	}
	var out []ScheduleEntry
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			return nil, err
		}
		name, ours := strings.CutPrefix(e.ID, scheduleID(""))
		if !ours {
			continue
		}
		entry := ScheduleEntry{Name: name, Next: e.NextActionTimes}
		for _, a := range e.RecentActions {
			entry.Last = append(entry.Last, a.ActualTime)
		}
		out = append(out, entry)
	}
	return out, nil
}

// RemoveSchedule ends a schedule; the study that runs goes on.
func RemoveSchedule(ctx context.Context, c client.Client, name string) error {
	return known(name, c.ScheduleClient().GetHandle(ctx, scheduleID(name)).Delete(ctx))
}

// RunSchedule starts a schedule's study now.
func RunSchedule(ctx context.Context, c client.Client, name string) error {
	return known(name, c.ScheduleClient().GetHandle(ctx, scheduleID(name)).Trigger(ctx, client.ScheduleTriggerOptions{}))
}

// known is an error of a schedule in our words if there is none of that name.
func known(name string, err error) error {
	var gone *serviceerror.NotFound
	if errors.As(err, &gone) {
		return fmt.Errorf("there is no schedule %q: list them with budwood schedule ls", name)
	}
	return err
}
