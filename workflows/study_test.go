package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"budwood/data"
	"budwood/hpo"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
	"budwood/trials/store"
)

// bench is a store, a runner and a test environment of one test.
type bench struct {
	*studytest.Bench
	env   *testsuite.TestWorkflowEnvironment
	store *storeActivities
	train *TrainActivities
}

func newBench(t *testing.T, objective trials.TrainFunc) *bench {
	t.Helper()
	own := studytest.New(t, objective)
	b := &bench{
		Bench: own, store: &storeActivities{Recorder: own.Recorder},
		train: &TrainActivities{Runner: own.Runner, Data: &data.Cache{Files: own.Recorder.Files}, Objective: objective},
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(Logger{zerolog.Nop()})
	b.env = suite.NewTestWorkflowEnvironment()
	b.env.SetTestTimeout(30 * time.Second)
	b.env.RegisterWorkflowWithOptions(studyWorkflow, workflow.RegisterOptions{Name: studyType})
	b.env.RegisterWorkflowWithOptions(trialWorkflow, workflow.RegisterOptions{Name: trialType})
	b.env.RegisterWorkflowWithOptions(gangWorkflow, workflow.RegisterOptions{Name: gangType})
	b.env.RegisterWorkflowWithOptions(gatherWorkflow, workflow.RegisterOptions{Name: gatherType})
	b.train.leases = newLeases(func() (string, error) { return "own", nil }, "", false, t.TempDir())
	for name, f := range b.train.ofRanks() {
		b.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	for name, f := range b.store.byName() {
		b.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	for name, f := range b.train.byName() {
		b.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	return b
}

// children lists the trial workflows that were started, by id.
func (b *bench) children() *map[string]int {
	out := map[string]int{}
	b.env.SetOnChildWorkflowStartedListener(func(info *workflow.Info, _ workflow.Context, _ converter.EncodedValues) {
		out[info.WorkflowExecution.ID]++
	})
	return &out
}

// slow makes every segment take a while of the workflow's time.
func (b *bench) slow(d time.Duration) {
	b.env.OnActivity(trainSegments, mock.Anything, mock.Anything).After(d).Return(b.train.train)
}

func (b *bench) run(t *testing.T, s *study.Spec) (study.Result, []search.Record) {
	t.Helper()
	return b.execute(t, s), b.Records(t, s.Name)
}

// execute runs a study.
func (b *bench) execute(t *testing.T, s *study.Spec) study.Result {
	t.Helper()
	b.env.ExecuteWorkflow(studyType, studyInput{Spec: *s, Queue: "test"})
	if !b.env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
	if err := b.env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	var r study.Result
	if err := b.env.GetWorkflowResult(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// twin runs a study here as a workflow and there locally, and holds them to the
// same decisions.
func (b *bench) twin(t *testing.T, spec *study.Spec, local *bench) (study.Result, []search.Record) {
	t.Helper()
	got, records := b.run(t, spec)
	want, err := study.Local(t.Context(), spec, local.store.Recorder, local.train.Runner, local.train.Objective)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-local +workflow): %s", diff)
	}
	if diff := cmp.Diff(local.Records(t, spec.Name), records); diff != "" {
		t.Errorf("trials (-local +workflow): %s", diff)
	}
	return got, records
}

// The workflow is the durable twin of the local loop: same seed, same trials,
// same measurements, same endings, same reasons.
func TestWorkflowAndLocalDecideTheSame(t *testing.T) {
	for _, scheduler := range study.Schedulers.Names() {
		t.Run(scheduler, func(t *testing.T) {
			t.Parallel()
			spec := studytest.Toy(t, "twin")
			spec.Search.Scheduler = scheduler
			spec.Search.Batch = 1 // every trial is a workflow
			durable := newBench(t, studytest.Quadratic)
			children := durable.children()
			_, records := durable.twin(t, spec, newBench(t, studytest.Quadratic))
			if n := len(*children); n != spec.Budget.Trials {
				t.Errorf("%d trials had workflows, want %d", n, spec.Budget.Trials)
			}
			if len(records) != spec.Budget.Trials {
				t.Errorf("%d trials, want %d", len(records), spec.Budget.Trials)
			}
			for _, r := range records {
				if !r.State.Ended() || r.State == search.Stopped && r.Reason == "" {
					t.Errorf("%s is %s: %q", r.Name(), r.State, r.Reason)
				}
			}
		})
	}
}

// A finished study that is submitted again with a larger budget goes on, to the
// same end as one that had the larger budget from the start.
func TestRaisedBudget(t *testing.T) {
	spec := studytest.Toy(t, "more")
	spec.Search.Scheduler = "none"
	b := newBench(t, studytest.Quadratic)
	spec.Budget.Trials = 10
	b.run(t, spec)

	spec.Budget.Trials = 25
	again := newBench(t, studytest.Quadratic)
	again.store.Store, again.train.Runner = b.store.Store, b.train.Runner
	_, got := again.run(t, spec)

	whole := newBench(t, studytest.Quadratic)
	_, want := whole.run(t, spec)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-from the start +in two goes) %s", diff)
	}
}

// A study goes on by the one driver where it was by the other: it ends as one that had
// the larger budget from the start, and nothing is trained twice.
func TestDriversGoOnFromEachOther(t *testing.T) {
	for _, order := range [][]string{{"workflow", "local"}, {"local", "workflow"}, {"interrupted", "workflow"}} {
		t.Run(strings.Join(order, ", then "), func(t *testing.T) {
			spec := studytest.Toy(t, "more")
			spec.Search.Scheduler = "none"
			first := newBench(t, nil)
			epochs := 0
			for i, how := range order {
				spec.Budget.Trials = []int{10, 25}[i]
				ctx, cancel := context.WithCancel(t.Context())
				objective := func(_ context.Context, t *trials.Trial) error {
					if how == "interrupted" && t.ID == 7 {
						cancel()
						<-ctx.Done()
						time.Sleep(10 * time.Millisecond) // until the trial has heard of it
					}
					if err := studytest.Quadratic(ctx, t); err != nil {
						return err
					}
					epochs++
					return nil
				}
				b := newBench(t, objective)
				b.store.Store, b.train.Runner = first.store.Store, first.train.Runner
				if how == "workflow" {
					b.run(t, spec)
				} else if _, err := study.Local(ctx, spec, b.store.Recorder, b.train.Runner, objective); (err != nil) != (how == "interrupted") {
					t.Fatal(err)
				}
				cancel()
			}
			spec.Budget.Trials = 25
			whole := newBench(t, studytest.Quadratic)
			_, want := whole.run(t, spec)
			if diff := cmp.Diff(want, first.Records(t, spec.Name)); diff != "" {
				t.Errorf("(-from the start +in two goes) %s", diff)
			}
			trained := 0
			for _, r := range want {
				if r.State != search.Failed {
					trained++
				}
			}
			if interrupted := order[0] == "interrupted"; epochs != trained && !(interrupted && epochs == trained+1) {
				t.Errorf("%d runs of the objective ended, for %d trials", epochs, trained)
			}
		})
	}
}

// A study that continues as new, again and again, loses and repeats no trial.
// (With several at once the drained slots change the order of events, so that
// the decisions may differ.)
func TestContinueAsNew(t *testing.T) {
	spec := studytest.Toy(t, "long")
	spec.Search.Parallel = 3
	spec.Search.Scheduler = "hyperband"
	whole := newBench(t, studytest.Quadratic)
	whole.slow(time.Second)
	_, want := whole.run(t, spec)

	store := newBench(t, studytest.Quadratic)
	in := studyInput{Spec: *spec, Queue: "test"}
	goes := 0
	for ; ; goes++ {
		b := newBench(t, studytest.Quadratic)
		b.store.Store, b.train.Runner = store.store.Store, store.train.Runner
		b.slow(time.Second)
		if goes < 4 {
			b.env.RegisterDelayedCallback(func() { b.env.SetContinueAsNewSuggested(true) }, 3500*time.Millisecond)
		}
		b.env.ExecuteWorkflow(studyType, in)
		err := b.env.GetWorkflowError()
		var again *workflow.ContinueAsNewError
		if !errors.As(err, &again) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		in = studyInput{} // JSON would merge its maps with the old ones
		if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &in); err != nil {
			t.Fatal(err)
		}
	}
	got := store.Records(t, spec.Name)
	if goes < 2 {
		t.Errorf("it continued as new %d times, want several", goes)
	}
	if len(got) != len(want) {
		t.Errorf("%d trials, want %d", len(got), len(want))
	}
	for i, r := range got {
		if r.ID != i || !r.State.Ended() || r.State == search.Stopped && r.Reason == "" {
			t.Errorf("%s is %s: %q", r.Name(), r.State, r.Reason)
		}
	}
}

// broken is a sampler that fails at its third trial.
type broken struct{ search.Sampler }

func (b broken) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	if req.First == 2 {
		return nil, errors.New("the model has no inverse")
	}
	return b.Sampler.Propose(ctx, req)
}

// A study whose sampler fails ends as failed, in the sampler's words, instead of
// trying for ever.
func TestSamplerFails(t *testing.T) {
	spec := studytest.Toy(t, "broken")
	b := newBench(t, studytest.Quadratic)
	b.store.Sampler = func(*study.Spec) (search.Sampler, error) { return broken{hpo.Random{}}, nil }
	b.env.ExecuteWorkflow(studyType, studyInput{Spec: *spec, Queue: "test"})
	if b.env.GetWorkflowError() == nil {
		t.Error("the workflow did not fail")
	}
	row, err := b.store.Store.Study(context.Background(), spec.Name)
	if err != nil || row.State != store.StudyFailed || row.Reason != "propose trial t0002: the model has no inverse" {
		t.Errorf("stored as %s: %q (%v)", row.State, row.Reason, err)
	}
}

func TestFiniteSpaceEndsTheStudy(t *testing.T) {
	spec := studytest.Toy(t, "finite")
	spec.Space = search.Space{search.Choice("x", -1., 0., 1.)}
	_, records := newBench(t, studytest.Quadratic).run(t, spec)
	if len(records) != 3 {
		t.Errorf("%d trials of a space of 3 points", len(records))
	}
}

func TestRetries(t *testing.T) {
	calls := map[int]int{}
	spec := studytest.Toy(t, "retries")
	spec.Budget.Trials, spec.MaxRetries = 2, 2
	b := newBench(t, func(ctx context.Context, t *trials.Trial) error {
		calls[t.ID]++
		if t.ID == 0 || calls[t.ID] < 3 {
			return fmt.Errorf("trouble number %d", calls[t.ID])
		}
		for range t.Epochs() {
			t.Report(1)
		}
		return nil
	})
	_, records := b.run(t, spec)
	if r := records[0]; r.State != search.Failed || r.Reason != "trouble number 3" {
		t.Errorf("t0000 is %s: %q; want failed with the user's own words", r.State, r.Reason)
	}
	if r := records[1]; r.State == search.Failed {
		t.Errorf("t0001 failed for good after its second retry: %q", r.Reason)
	}
}

func TestTimeBudget(t *testing.T) {
	spec := studytest.Toy(t, "deadline")
	spec.Budget.Time = study.Duration(time.Minute)
	b := newBench(t, studytest.Quadratic)
	b.slow(7 * time.Second)
	r, records := b.run(t, spec)
	wantEnded(t, b, spec, r, records, store.StudyCompleted, "the time budget of 1m0s is spent")
	wantCut(t, records, "the time budget of 1m0s is spent")
}

func TestStopNow(t *testing.T) {
	for _, now := range []bool{true, false} {
		spec := studytest.Toy(t, "stop")
		b := newBench(t, studytest.Quadratic)
		b.slow(time.Second)
		b.env.RegisterDelayedCallback(func() {
			b.env.UpdateWorkflowNoRejection(StopUpdate, "1", t, StopRequest{Now: now, Reason: "enough"})
		}, 5500*time.Millisecond)
		r, records := b.run(t, spec)
		wantEnded(t, b, spec, r, records, store.StudyStopped, "enough")
		if now {
			wantCut(t, records, "enough")
		}
	}
}

// wantCut checks that a trial was stopped by the end of its study, and says why.
func wantCut(t *testing.T, records []search.Record, reason string) {
	t.Helper()
	if !slices.ContainsFunc(records, func(r search.Record) bool { return r.State == search.Stopped && r.Reason == reason }) {
		t.Errorf("no trial was stopped because %q", reason)
	}
	for _, r := range records {
		if r.Reason == studyStopped {
			t.Errorf("%s: %s", r.Name(), r.Reason)
		}
	}
}

// wantEnded checks a study that ended early.
func wantEnded(t *testing.T, b *bench, spec *study.Spec, r study.Result, records []search.Record, state store.StudyState, reason string) {
	t.Helper()
	if r.State != state {
		t.Errorf("the study is %s, want %s", r.State, state)
	}
	if n := len(records); n < 2 || n >= spec.Budget.Trials {
		t.Errorf("%d trials, want some of %d", n, spec.Budget.Trials)
	}
	for _, rec := range records {
		if !rec.State.Ended() {
			t.Errorf("%s is still %s", rec.Name(), rec.State)
		}
	}
	row, err := b.store.Store.Study(context.Background(), spec.Name)
	if err != nil || row.State != state || row.Reason != reason {
		t.Errorf("stored as %s: %q (%v), want %s: %q", row.State, row.Reason, err, state, reason)
	}
}

// A study ends by itself when little is left to gain, in the workflow and
// without a server.
func TestMinGain(t *testing.T) {
	spec := studytest.Toy(t, "enough")
	spec.Budget.Trials, spec.Budget.MinGain = 200, .05
	b := newBench(t, studytest.Quadratic)
	r, records := b.run(t, spec)
	row, err := b.store.Store.Study(context.Background(), "enough")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(records); n < 20 || n > 120 || r.State != store.StudyCompleted || !strings.Contains(row.Reason, "less than 0.05") {
		t.Errorf("%s after %d trials, reason %q", r.State, n, row.Reason)
	}
	for _, rec := range records {
		if !rec.State.Ended() {
			t.Errorf("%s is still %s", rec.Name(), rec.State)
		}
	}
	c := newBench(t, studytest.Quadratic)
	if _, err := study.Local(context.Background(), spec, c.store.Recorder, c.train.Runner, studytest.Quadratic); err != nil {
		t.Fatal(err)
	}
	local := c.Records(t, "enough")
	if len(local) != len(records) {
		t.Errorf("%d trials without a server, %d with one", len(local), len(records))
	}
}
