package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"budwood/search"
	"budwood/study"
	"budwood/trials"
	"budwood/trials/segment"
)

// fit makes the results of segments that are reported together small enough to be
// sent. Of curves that are too long epochs are left out, and the reason says so.
func fit(tasks []trials.Task, results []segment.Result) []segment.Result {
	total := 0
	for i := range results {
		results[i].Reason = trials.Reason(results[i].Reason)
		total += study.MessageSize(&results[i])
	}
	if total <= study.MaxMessage {
		return results
	}
	for i := range results {
		results[i] = fitOne(&tasks[i], results[i], study.MaxMessage/len(results))
	}
	return results
}

func fitOne(t *trials.Task, r segment.Result, most int) segment.Result {
	if study.MessageSize(&r) <= most {
		return r
	}
	curve := r.Curve
	r.Curve = nil
	size := study.MessageSize(&r)
	if size > most/2 { // no place for a curve: what the study decides by is left
		r.Reason = study.JoinReasons(r.Reason, fmt.Sprintf("of its %d metrics only the objectives are kept", len(r.Final.Metrics)))
		r.Final.Metrics = objectivesOf(t, r.Final.Metrics)
		shortened := make([]search.Measurement, len(curve))
		for i, m := range curve {
			shortened[i] = search.Measurement{Budget: m.Budget, Metrics: objectivesOf(t, m.Metrics)}
		}
		curve, size = shortened, study.MessageSize(&r)
	}
	size += 100 // for what is said of it
	for every := 1 + study.MessageSize(curve)/max(most-size, 1); ; every++ {
		shortened := r
		if shortened.Curve = everyNth(curve, every); every > 1 {
			shortened.Reason = study.JoinReasons(r.Reason, fmt.Sprintf("of the %d epochs of its curve one in %d is kept", len(curve), every))
		}
		if study.MessageSize(&shortened) <= most || every >= len(curve) {
			return shortened
		}
	}
}

// everyNth is every nth measurement from the last one backwards.
func everyNth(curve []search.Measurement, n int) []search.Measurement {
	if n == 1 {
		return curve
	}
	var out []search.Measurement
	for i := len(curve) - 1; i >= 0; i -= n {
		out = append(out, curve[i])
	}
	slices.Reverse(out)
	return out
}

func objectivesOf(t *trials.Task, m search.Metrics) search.Metrics {
	out := search.Metrics{}
	for _, o := range append([]search.Objective{{Metric: trials.EnergyWh}}, t.Objectives...) {
		if v, ok := m[o.Metric]; ok {
			out[o.Metric] = v
		}
	}
	return out
}

// sendable sees to it that every activity's answer can be sent, whatever it is:
// one that cannot is a failure that says so, and is not tried again.
type sendable struct {
	interceptor.WorkerInterceptorBase
}

func (*sendable) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &sendableAnswer{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type sendableAnswer struct {
	interceptor.ActivityInboundInterceptorBase
}

func (a *sendableAnswer) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := a.Next.ExecuteActivity(ctx, in)
	if err != nil {
		return nil, sendableError(err)
	}
	b, err := json.Marshal(out)
	switch {
	case err != nil:
		return nil, userError(fmt.Errorf("the result cannot be sent: %w", err))
	case len(b) > study.MaxMessage+study.MaxMessage/2:
		return nil, userError(fmt.Errorf("the result of %s is too large to be sent: it has %d bytes, at most %d are possible", activity.GetInfo(ctx).ActivityType.Name, len(b), study.MaxMessage+study.MaxMessage/2))
	}
	return out, nil
}

// sendableError is an error in words that can be sent: UTF-8, and not too many.
func sendableError(err error) error {
	text := err.Error()
	if utf8.ValidString(text) && len(text) <= len(trials.Reason(text)) {
		return err
	}
	var app *temporal.ApplicationError
	if errors.As(err, &app) && app.NonRetryable() {
		return temporal.NewNonRetryableApplicationError(trials.Reason(app.Message()), app.Type(), nil)
	}
	return errors.New(trials.Reason(text))
}
