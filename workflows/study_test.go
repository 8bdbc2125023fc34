package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
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
	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/store"
)

// quadratic is an objective whose loss falls with the epochs towards a parabola
// of x; below x = -4 it diverges, above 4 it fails.
func quadratic(_ context.Context, t *trials.Trial) error {
	x := t.Params["x"].(float64)
	if x > 4 {
		return fmt.Errorf("x = %v is too much", x)
	}
	m := &model{}
	if err := t.Keep(m); err != nil {
		return err
	}
	for range t.Epochs() {
		m.Epochs++
		loss := (x-1)*(x-1) + 1/float64(m.Epochs)
		if x < -4 && m.Epochs > 2 {
			loss = math.NaN()
		}
		t.Report(loss)
	}
	return nil
}

func toySpec(t testing.TB, name string) *Spec {
	t.Helper()
	s := &Spec{
		Name: name, Space: search.Space{search.Float("x", -5, 5)},
		Search: Search{Sampler: "tpe", Scheduler: "asha", Seed: 7, Parallel: 1, WarmStart: "off"},
		Budget: Budget{Trials: 25, Epochs: 9},
	}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	return s
}

// bench is a store, a runner and a test environment of one test.
type bench struct {
	env   *testsuite.TestWorkflowEnvironment
	store *StoreActivities
	train *TrainActivities
}

func newBench(t *testing.T, objective trials.Objective) *bench {
	t.Helper()
	dir := t.TempDir()
	store, err := store.Open(filepath.Join(dir, "budwood.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	files := &blob.DataFiles{Blobs: blob.Dir(dir)}
	b := &bench{
		store: &StoreActivities{Store: store, Data: &data.Cache{Files: files}, Files: files},
		train: &TrainActivities{
			Runner: &trials.Runner{Blobs: blob.Dir(dir), Meter: energy.NewAttributor(energy.Power{})},
			Data:   &data.Cache{Files: files}, Objective: objective,
		},
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(Logger{zerolog.Nop()})
	b.env = suite.NewTestWorkflowEnvironment()
	b.env.SetTestTimeout(30 * time.Second)
	b.env.RegisterWorkflowWithOptions(Study, workflow.RegisterOptions{Name: StudyType})
	b.env.RegisterWorkflowWithOptions(Trial, workflow.RegisterOptions{Name: TrialType})
	for name, f := range storeActivities(b.store) {
		b.env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
	for name, f := range trainActivities(b.train) {
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
	b.env.OnActivity(trainSegments, mock.Anything, mock.Anything).After(d).Return(b.train.Train)
}

func (b *bench) run(t *testing.T, s *Spec) (StudyResult, []search.Record) {
	t.Helper()
	b.env.ExecuteWorkflow(StudyType, StudyInput{Spec: *s, Queue: "test"})
	if !b.env.IsWorkflowCompleted() {
		t.Fatal("the workflow did not end")
	}
	if err := b.env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	var r StudyResult
	if err := b.env.GetWorkflowResult(&r); err != nil {
		t.Fatal(err)
	}
	return r, b.records(t, s.Name)
}

func (b *bench) records(t *testing.T, study string) []search.Record {
	t.Helper()
	list := b.recordsNow(t, study)
	for i := range list { // what differs between two runs of the same decisions
		list[i].Joules, list[i].Seconds = 0, 0
		for _, m := range list[i].Measurements {
			delete(m.Metrics, trials.EnergyWh)
		}
	}
	return list
}

func (b *bench) recordsNow(t *testing.T, study string) []search.Record {
	t.Helper()
	list, err := b.store.Store.Records(context.Background(), study)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// twin runs a study here as a workflow and there locally, and holds them to the
// same decisions.
func (b *bench) twin(t *testing.T, spec *Spec, local *bench) (StudyResult, []search.Record) {
	t.Helper()
	got, records := b.run(t, spec)
	want, err := Local(t.Context(), spec, local.store, local.train.Runner, local.train.Objective)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result (-local +workflow): %s", diff)
	}
	if diff := cmp.Diff(local.records(t, spec.Name), records); diff != "" {
		t.Errorf("trials (-local +workflow): %s", diff)
	}
	return got, records
}

// The workflow is the durable twin of the local loop: same seed, same trials,
// same measurements, same endings, same reasons.
func TestWorkflowAndLocalDecideTheSame(t *testing.T) {
	for _, scheduler := range Schedulers {
		t.Run(scheduler, func(t *testing.T) {
			t.Parallel()
			spec := toySpec(t, "twin")
			spec.Search.Scheduler = scheduler
			spec.Search.Batch = 1 // every trial is a workflow
			durable := newBench(t, quadratic)
			children := durable.children()
			_, records := durable.twin(t, spec, newBench(t, quadratic))
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
	spec := toySpec(t, "more")
	spec.Search.Scheduler = "none"
	b := newBench(t, quadratic)
	spec.Budget.Trials = 10
	b.run(t, spec)

	spec.Budget.Trials = 25
	again := newBench(t, quadratic)
	again.store.Store, again.train.Runner = b.store.Store, b.train.Runner
	_, got := again.run(t, spec)

	whole := newBench(t, quadratic)
	_, want := whole.run(t, spec)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-from the start +in two goes) %s", diff)
	}
}

// A study that continues as new, again and again, loses and repeats no trial.
// (With several at once the drained slots change the order of events, so that
// the decisions may differ.)
func TestContinueAsNew(t *testing.T) {
	spec := toySpec(t, "long")
	spec.Search.Parallel = 3
	spec.Search.Scheduler = "hyperband"
	whole := newBench(t, quadratic)
	whole.slow(time.Second)
	_, want := whole.run(t, spec)

	store := newBench(t, quadratic)
	in := StudyInput{Spec: *spec, Queue: "test"}
	goes := 0
	for ; ; goes++ {
		b := newBench(t, quadratic)
		b.store.Store, b.train.Runner = store.store.Store, store.train.Runner
		b.slow(time.Second)
		if goes < 4 {
			b.env.RegisterDelayedCallback(func() { b.env.SetContinueAsNewSuggested(true) }, 3500*time.Millisecond)
		}
		b.env.ExecuteWorkflow(StudyType, in)
		err := b.env.GetWorkflowError()
		var again *workflow.ContinueAsNewError
		if !errors.As(err, &again) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		in = StudyInput{} // JSON would merge its maps with the old ones
		if err := converter.GetDefaultDataConverter().FromPayloads(again.Input, &in); err != nil {
			t.Fatal(err)
		}
	}
	got := store.records(t, spec.Name)
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
	spec := toySpec(t, "broken")
	b := newBench(t, quadratic)
	sampler, err := newSampler(spec)
	if err != nil {
		t.Fatal(err)
	}
	b.store.studies = map[string]*proposer{spec.Name: {spec: *spec, sampler: broken{sampler}}}
	b.env.ExecuteWorkflow(StudyType, StudyInput{Spec: *spec, Queue: "test"})
	if b.env.GetWorkflowError() == nil {
		t.Error("the workflow did not fail")
	}
	row, err := b.store.Store.Study(context.Background(), spec.Name)
	if err != nil || row.State != store.StudyFailed || row.Reason != "propose trial t0002: the model has no inverse" {
		t.Errorf("stored as %s: %q (%v)", row.State, row.Reason, err)
	}
}

func TestFiniteSpaceEndsTheStudy(t *testing.T) {
	spec := toySpec(t, "finite")
	spec.Space = search.Space{search.Choice("x", -1., 0., 1.)}
	_, records := newBench(t, quadratic).run(t, spec)
	if len(records) != 3 {
		t.Errorf("%d trials of a space of 3 points", len(records))
	}
}

func TestRetries(t *testing.T) {
	calls := map[int]int{}
	spec := toySpec(t, "retries")
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
	spec := toySpec(t, "deadline")
	spec.Budget.Time = Duration(time.Minute)
	b := newBench(t, quadratic)
	b.slow(7 * time.Second)
	r, records := b.run(t, spec)
	wantEnded(t, b, spec, r, records, store.StudyCompleted, "the time budget of 1m0s is spent")
}

func TestStopNow(t *testing.T) {
	for _, now := range []bool{true, false} {
		spec := toySpec(t, "stop")
		b := newBench(t, quadratic)
		b.slow(time.Second)
		b.env.RegisterDelayedCallback(func() {
			b.env.UpdateWorkflowNoRejection(StopUpdate, "1", t, StopRequest{Now: now, Reason: "enough"})
		}, 5500*time.Millisecond)
		r, records := b.run(t, spec)
		wantEnded(t, b, spec, r, records, store.StudyStopped, "enough")
	}
}

// wantEnded checks a study that ended early.
func wantEnded(t *testing.T, b *bench, spec *Spec, r StudyResult, records []search.Record, state store.StudyState, reason string) {
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

// A local study whose process dies goes on, when the program is run again, and
// does not train again what is stored.
func TestLocalGoesOn(t *testing.T) {
	spec := toySpec(t, "again")
	whole := newBench(t, quadratic)
	if _, err := Local(context.Background(), spec, whole.store, whole.train.Runner, quadratic); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, quadratic)
	segments := 0
	died := errors.New("the disk is gone") // machine trouble ends the loop as a crash would
	_, err := Local(context.Background(), spec, b.store, &trials.Runner{Blobs: failing{b.train.Runner.Blobs, func() error {
		if segments++; segments > 12 {
			return died
		}
		return nil
	}}, Meter: b.train.Runner.Meter}, quadratic)
	if !errors.Is(err, died) {
		t.Fatal(err)
	}
	before := len(b.records(t, spec.Name))
	trained := 0
	fresh := &StoreActivities{Store: b.store.Store, Data: &data.Cache{}}
	if _, err := Local(context.Background(), spec, fresh, b.train.Runner, func(ctx context.Context, t *trials.Trial) error {
		trained++
		return quadratic(ctx, t)
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.records(t, spec.Name), b.records(t, spec.Name)); diff != "" {
		t.Errorf("(-undisturbed +killed once) %s", diff)
	}
	all := 0
	for _, r := range whole.records(t, spec.Name) {
		all += max(len(r.Measurements), 1)
	}
	if before < 3 || trained > all-11 {
		t.Errorf("%d of %d segments were trained again after a crash that left %d trials", trained, all, before)
	}
}

// What is recalled of a trial's segments adds up to the trial's energy.
func TestRecallCountsEnergyOnce(t *testing.T) {
	m := func(budget int, wh float64) search.Measurement {
		return search.Measurement{Budget: budget, Metrics: search.Metrics{trials.EnergyWh: wh}}
	}
	l := &localStudy{spec: &Spec{}, recorded: map[int]search.Record{0: {
		Trial: search.Trial{ID: 0}, State: search.Completed, Measurements: []search.Measurement{m(1, 1), m(3, 4), m(7, 9)},
	}}}
	sum := 0.
	for _, seg := range []search.Segment{{From: 0, To: 1}, {From: 1, To: 3}, {From: 3, To: 9}} {
		r, ok := l.known(seg)
		if !ok {
			t.Errorf("segment %d→%d is not recalled", seg.From, seg.To)
		}
		sum += r.Energy.Joules
	}
	if sum != 9*3600 {
		t.Errorf("the segments come to %v Wh, the trial used 9", sum/3600)
	}
}

// failing is a blob store whose writes fail when told to.
type failing struct {
	blob.Store
	fail func() error
}

func (f failing) Put(ctx context.Context, key string, write func(io.Writer) error) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Store.Put(ctx, key, write)
}

// model is what quadratic saves.
type model struct{ Epochs int }

func (m *model) Save(w io.Writer) error { return json.NewEncoder(w).Encode(m) }
func (m *model) Load(r io.Reader) error { return json.NewDecoder(r).Decode(m) }

// A study ends by itself when little is left to gain, in the workflow and
// without a server.
func TestMinGain(t *testing.T) {
	spec := toySpec(t, "enough")
	spec.Budget.Trials, spec.Budget.MinGain = 200, .05
	b := newBench(t, quadratic)
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
	c := newBench(t, quadratic)
	if _, err := Local(context.Background(), spec, c.store, c.train.Runner, quadratic); err != nil {
		t.Fatal(err)
	}
	local := c.records(t, "enough")
	if len(local) != len(records) {
		t.Errorf("%d trials without a server, %d with one", len(local), len(records))
	}
}
