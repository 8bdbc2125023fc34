package workflows

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
	"budwood/trials/segment"
)

// longResult is that of a trial whose curve is long, in so many metrics.
func longResult(epochs, metrics int) segment.Result {
	r := segment.Result{State: search.Completed, Reason: "trained to the full budget", Budget: epochs}
	for e := range epochs {
		m := search.Metrics{"loss": 1 / float64(e+1), trials.EnergyWh: 1e-3}
		for k := range metrics {
			m[strings.Repeat("m", 20)+string(rune('a'+k%26))+string(rune('a'+k/26))] = math.Pi * float64(e)
		}
		r.Curve = append(r.Curve, search.Measurement{Budget: e + 1, Metrics: m})
	}
	r.Final = r.Curve[epochs-1]
	return r
}

// Results are made small enough to be sent, and say what is missing.
func TestResultsFit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	task := trials.Task{Objectives: []search.Objective{{Metric: "loss"}}}
	var many []segment.Result
	for range batchTrials {
		many = append(many, longResult(2, 600))
	}
	for name, c := range map[string]struct {
		results []segment.Result
		metrics int // at the end of the first
		reason  string
	}{
		"short":        {[]segment.Result{longResult(100, 2)}, 4, "trained to the full budget"},
		"long":         {[]segment.Result{longResult(30_000, 2)}, 4, "trained to the full budget; of the 30000 epochs of its curve one in 5 is kept"},
		"some":         {[]segment.Result{longResult(1000, 20), longResult(1000, 20), longResult(10, 1)}, 22, "one in 3 is kept"},
		"many metrics": {many, 2, "of its 602 metrics only the objectives are kept"},
		"long reason":  {[]segment.Result{{State: search.Failed, Reason: strings.Repeat("\x1b\xff", 1<<20)}}, 0, "left out"},
	} {
		tasks := make([]trials.Task, len(c.results))
		for i := range tasks {
			tasks[i] = task
		}
		got := fit(tasks, c.results)
		if n := study.MessageSize(got); n > study.MaxMessage+len(got) {
			t.Errorf("%s: %d bytes", name, n)
		}
		r := got[0]
		if len(r.Final.Metrics) != c.metrics || !strings.Contains(r.Reason, c.reason) {
			t.Errorf("%s: %d metrics, %.200q; want %d, %q", name, len(r.Final.Metrics), r.Reason, c.metrics, c.reason)
		}
		if n := len(r.Curve); r.Budget > 0 && (n == 0 || r.Curve[n-1].Budget != r.Budget || n < r.Budget && study.MessageSize(r)*len(got) < study.MaxMessage/2) {
			t.Errorf("%s: %d epochs kept, of %d bytes", name, n, study.MessageSize(r))
		}
	}
}

// An answer that cannot be sent is a failure that is not tried again, and no error
// is too long.
func TestAnswersThatCannotBeSent(t *testing.T) {
	long := strings.Repeat("\xffx", 1<<20)
	for name, c := range map[string]struct {
		f     func(context.Context) (any, error)
		want  string
		again bool
	}{
		"too large":    {func(context.Context) (any, error) { return long, nil }, "is too large to be sent", false},
		"no JSON":      {func(context.Context) (any, error) { return math.NaN(), nil }, "the result cannot be sent", false},
		"an error":     {func(context.Context) (any, error) { return nil, errors.New("disk full " + long) }, "disk full", true},
		"a user error": {func(context.Context) (any, error) { return nil, userError(errors.New("bad data " + long)) }, "bad data", false},
		"a final one": {func(context.Context) (any, error) {
			return nil, temporal.NewNonRetryableApplicationError(long, "Internal", nil)
		}, "left out", false},
	} {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(Logger{zerolog.Nop()})
		env := suite.NewTestActivityEnvironment()
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&sendable{}}})
		env.RegisterActivityWithOptions(c.f, activity.RegisterOptions{Name: "f"})
		_, err := env.ExecuteActivity("f")
		var app *temporal.ApplicationError
		if !errors.As(err, &app) || app.NonRetryable() == c.again || !strings.Contains(app.Message(), c.want) || len(err.Error()) > 8<<10 || !utf8.ValidString(err.Error()) {
			t.Errorf("%s: %.300q, want %q", name, err, c.want)
		}
	}
}

// A study whose results would be too large to be reported ends with them.
func TestStudyWithLongCurves(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	spec := studytest.Toy(t, "long")
	spec.Budget.Trials, spec.Budget.Epochs, spec.Search.Scheduler, spec.Search.Parallel = 2, 3000, "none", 1
	b := newBench(t, func(_ context.Context, t *trials.Trial) error {
		for e := range t.Epochs() {
			m := search.Metrics{"loss": 1 / float64(e)}
			for i := range 10 {
				m[fmt.Sprintf("%s %d", strings.Repeat("long ", 16), i)] = math.Pi * float64(e)
			}
			t.ReportAll(m)
		}
		return nil
	})
	_, list := b.run(t, spec)
	for _, r := range list {
		if r.State != search.Completed || !strings.Contains(r.Reason, "of the 3000 epochs of its curve one in 4 is kept") {
			t.Errorf("%s: %s: %s", r.Name(), r.State, r.Reason)
		}
	}
}
