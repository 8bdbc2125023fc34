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
	"budwood/trials"
	"budwood/trials/segment"
)

// mostSent bounds what one activity answers, as JSON. A Temporal server takes 2 MiB
// unless it is told otherwise (limit.blobSize.error); an answer that it does not
// take would be asked for again, for ever.
const mostSent = 1 << 20

// fit makes the results of segments that are reported together small enough to be
// sent. Of curves that are too long epochs are left out, and the reason says so.
func fit(tasks []trials.Task, results []segment.Result) []segment.Result {
	total := 0
	for i := range results {
		results[i].Reason = trials.Reason(results[i].Reason)
		total += sizeSent(&results[i])
	}
	if total <= mostSent {
		return results
	}
	for i := range results {
		results[i] = fitOne(&tasks[i], results[i], mostSent/len(results))
	}
	return results
}

func fitOne(t *trials.Task, r segment.Result, most int) segment.Result {
	if sizeSent(&r) <= most {
		return r
	}
	curve := r.Curve
	r.Curve = nil
	size := sizeSent(&r)
	if size > most/2 { // no place for a curve: what the study decides by is left
		r.Reason = joinReasons(r.Reason, fmt.Sprintf("of its %d metrics only the objectives are kept", len(r.Final.Metrics)))
		r.Final.Metrics = objectivesOf(t, r.Final.Metrics)
		thin := make([]search.Measurement, len(curve))
		for i, m := range curve {
			thin[i] = search.Measurement{Budget: m.Budget, Metrics: objectivesOf(t, m.Metrics)}
		}
		curve, size = thin, sizeSent(&r)
	}
	size += 100 // for what is said of it
	for every := 1 + sizeSent(curve)/max(most-size, 1); ; every++ {
		thin := r
		if thin.Curve = everyNth(curve, every); every > 1 {
			thin.Reason = joinReasons(r.Reason, fmt.Sprintf("of the %d epochs of its curve one in %d is kept", len(curve), every))
		}
		if sizeSent(&thin) <= most || every >= len(curve) {
			return thin
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

// sizeSent is the size of a value as JSON; of one that cannot be sent more than
// may be.
func sizeSent(v any) int {
	b, err := json.Marshal(v)
	if err != nil {
		return mostSent + 1
	}
	return len(b)
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
	case len(b) > mostSent+mostSent/2:
		return nil, userError(fmt.Errorf("the result of %s is too large to be sent: it has %d bytes, at most %d are possible", activity.GetInfo(ctx).ActivityType.Name, len(b), mostSent+mostSent/2))
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

// mostCandidate is how long the names and values of one candidate may be: tasks
// hold them, of several candidates together.
const mostCandidate = mostSent / 4

// candidateSize bounds how long a candidate is, as JSON, and tells which parameter
// takes the most of it.
func (s *Spec) candidateSize() (total, longest, most int) {
	for i, p := range s.Space {
		size := 0
		for _, d := range (search.Space{p}).Dims() {
			value := 24 // of a number
			for _, o := range d.Options {
				value = max(value, sizeSent(o.Value))
			}
			size += sizeSent(d.Name) + 2 + value
		}
		if total += size; size > most {
			longest, most = i, size
		}
	}
	return total, longest, most
}

// checkSize tells whether candidates are too long to be sent around, alone and as
// many together as are begun at once.
func (s *Spec) checkSize() error {
	total, longest, most := s.candidateSize()
	if total > mostCandidate {
		return wrong(fmt.Sprintf("space[%d]", longest), "a candidate may have %d bytes, names and values together, and this parameter alone makes %d of %d: let long values stand in files, and their names here", mostCandidate, most, total)
	}
	for _, n := range []struct {
		path string
		of   int
	}{{"search.batch", s.Search.Batch}, {"search.parallel", s.Search.Parallel}} {
		if n.of*total > mostSent+mostSent/2 {
			return wrong(n.path, "%d candidates of %d bytes are too much to be sent at once: at most %d fit", n.of, total, (mostSent+mostSent/2)/total)
		}
	}
	return nil
}
