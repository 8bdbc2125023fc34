package study_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"budwood/data"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
	"budwood/trials/store"
)

// A local study whose process dies goes on, when the program is run again, and
// does not train again what is stored.
func TestLocalGoesOn(t *testing.T) {
	spec := studytest.Toy(t, "again")
	whole := studytest.New(t, studytest.Quadratic)
	if _, err := study.Local(context.Background(), spec, whole.Recorder, whole.Runner, studytest.Quadratic); err != nil {
		t.Fatal(err)
	}
	b := studytest.New(t, studytest.Quadratic)
	segments := 0
	died := errors.New("the disk is gone") // machine trouble ends the loop as a crash would
	_, err := study.Local(context.Background(), spec, b.Recorder, &trials.Runner{Blobs: studytest.FailingBlobs{Store: b.Runner.Blobs, Fail: func() error {
		if segments++; segments > 12 {
			return died
		}
		return nil
	}}, Meter: b.Runner.Meter}, studytest.Quadratic)
	if !errors.Is(err, died) {
		t.Fatal(err)
	}
	before := len(b.Records(t, spec.Name))
	trained := 0
	fresh := &study.Recorder{Store: b.Recorder.Store, Data: &data.Cache{}}
	if _, err := study.Local(context.Background(), spec, fresh, b.Runner, func(ctx context.Context, t *trials.Trial) error {
		trained++
		return studytest.Quadratic(ctx, t)
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.Records(t, spec.Name), b.Records(t, spec.Name)); diff != "" {
		t.Errorf("(-undisturbed +killed once) %s", diff)
	}
	all := 0
	for _, r := range whole.Records(t, spec.Name) {
		all += max(len(r.Measurements), 1)
	}
	if before < 3 || trained > all-11 {
		t.Errorf("%d of %d segments were trained again after a crash that left %d trials", trained, all, before)
	}
}

// A trial that the end of a study's time cut off goes on from there when the study
// has more: nothing is trained twice, or counted twice.
func TestCutTrialGoesOn(t *testing.T) {
	trained := 0
	slow := func(ctx context.Context, t *trials.Trial) error {
		m := &studytest.Model{}
		if err := t.Keep(m); err != nil {
			return err
		}
		for range t.Epochs() {
			m.Epochs++
			trained++
			if trained == 30 {
				<-ctx.Done() // the time is over
			}
			t.Report(1 / float64(m.Epochs))
		}
		return nil
	}
	b := studytest.New(t, slow)
	spec := studytest.Toy(t, "cut")
	spec.Search.Scheduler, spec.Budget.Trials, spec.Budget.Epochs, spec.Budget.Time = "none", 2, 20, study.Duration(300*time.Millisecond)
	if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, slow); err != nil {
		t.Fatal(err)
	}
	records := b.Records(t, spec.Name)
	if r := records[1]; r.State != search.Stopped || r.Epochs() != 10 || r.Reason != "the time budget of 300ms is spent" {
		t.Fatalf("t0001 is %s after %d epochs: %s", r.State, r.Epochs(), r.Reason)
	}
	spec.Budget.Time = 0
	if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, slow); err != nil {
		t.Fatal(err)
	}
	records = b.Records(t, spec.Name)
	if r := records[1]; r.State != search.Completed || r.Epochs() != 20 || trained != 40 {
		t.Errorf("t0001 is %s after %d epochs: %s; %d epochs were trained", r.State, r.Epochs(), r.Reason, trained)
	}
	if got := records[1].Measurements[len(records[1].Measurements)-1].Metrics["loss"]; got != 1./20 {
		t.Errorf("its loss is %v, want 1/20", got)
	}
}

// A local study that is interrupted gives what it has, and goes on when it is run
// again: no trial is lost, however often. Its time is a total.
func TestInterruptedLocalStudy(t *testing.T) {
	spec := studytest.Toy(t, "cell")
	spec.Search.Scheduler, spec.Search.Parallel, spec.Budget.Trials, spec.Budget.Epochs = "none", 2, 8, 3
	b := studytest.New(t, nil)
	epochs := 0
	for range 3 {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the cell was interrupted")
		_, err := study.Local(ctx, spec, b.Recorder, b.Runner, func(ctx context.Context, t *trials.Trial) error {
			for range t.Epochs() {
				if t.ID%2 == 1 && t.Value("x").(float64) != 0 { // of each two one is interrupted
					cancel(why)
					<-ctx.Done()
					return ctx.Err()
				}
				t.Report(1)
			}
			return nil
		})
		if !errors.Is(err, why) {
			t.Fatalf("the error is %v", err)
		}
		row, err := b.Recorder.Store.Study(t.Context(), spec.Name)
		if err != nil || row.State != store.StudyStopped || !strings.Contains(row.Reason, "run again, it goes on") {
			t.Fatalf("the study is %s: %s, %v", row.State, row.Reason, err)
		}
		for _, r := range b.Records(t, spec.Name) {
			if r.State == search.Stopped || r.State == search.Failed {
				t.Errorf("%s is %s: %s", r.Name(), r.State, r.Reason)
			}
		}
	}
	if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, func(_ context.Context, t *trials.Trial) error {
		for range t.Epochs() {
			epochs++
			t.Report(1)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.Records(t, spec.Name) {
		if r.State != search.Completed {
			t.Errorf("%s is %s: %s", r.Name(), r.State, r.Reason)
		}
	}
	row, _ := b.Recorder.Store.Study(t.Context(), spec.Name)
	before, err := study.Elapsed(t.Context(), b.Recorder.Store, &row)
	if err != nil || before <= 0 {
		t.Fatalf("the study ran for %s, %v", before, err)
	}
	// No time is left for more.
	spec.Budget.Trials, spec.Budget.Time = 20, study.Duration(before)
	if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, studytest.Quadratic); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.Records(t, spec.Name) {
		if r.ID >= 8 && r.Epochs() > 0 {
			t.Errorf("%s was trained for %d epochs when the time was over", r.Name(), r.Epochs())
		}
	}
}

// A local study whose budget is spent stays as it is when it is run again, and so do
// the weights of its best trial.
func TestSpentLocalStudyStays(t *testing.T) {
	for _, budget := range []string{"time", "energy"} {
		t.Run(budget, func(t *testing.T) {
			spec := studytest.Toy(t, "spent")
			spec.Search.Parallel, spec.Budget.Trials = 2, 1000
			b := studytest.New(t, nil)
			b.Runner.Meter = nil
			slow := func(ctx context.Context, t *trials.Trial) error {
				for end := time.Now().Add(5 * time.Millisecond); time.Now().Before(end); {
				}
				return studytest.Quadratic(ctx, t)
			}
			run := func() (study.Result, []search.Record) {
				t.Helper()
				r, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, slow)
				if err != nil {
					t.Fatal(err)
				}
				last, err := b.Recorder.Store.LastSegments(t.Context(), spec.Name, []int{r.Best})
				if err != nil {
					t.Fatal(err)
				}
				f, err := b.Runner.Blobs.Get(t.Context(), trials.EndKey(spec.Name, r.Best, last[r.Best]))
				if err != nil {
					t.Fatalf("the weights of the best trial: %v", err)
				}
				f.Close()
				return r, b.Stored(t, spec.Name)
			}
			if budget == "time" {
				spec.Budget.Time = study.Duration(500 * time.Millisecond)
			} else {
				spec.Budget.Trials = 6
				_, records := run()
				spec.Budget.Trials = 1000
				for _, r := range records {
					spec.Budget.EnergyWh += r.Joules / 3600
				}
			}
			r, records := run()
			for range 2 {
				again, same := run()
				if diff := cmp.Diff(r, again); diff != "" {
					t.Errorf("(-first +again) %s", diff)
				}
				if diff := cmp.Diff(records, same, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Reason" }, cmp.Ignore())); diff != "" {
					t.Errorf("(-first +again) %s", diff)
				}
			}
		})
	}
}

// What was trained again when a run was interrupted is trained to its end by the next
// one, though no time is left for the search; no other trial takes its place.
func TestInterruptedRetrainingGoesOn(t *testing.T) {
	spec := studytest.Toy(t, "retrain")
	spec.Budget.Trials, spec.Retrain = 6, study.Retrain{Best: 2, Epochs: 20}
	b := studytest.New(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := study.Local(ctx, spec, b.Recorder, b.Runner, func(ctx context.Context, t *trials.Trial) error {
		if t.ID == spec.Budget.Trials {
			cancel(errors.New("interrupted"))
			<-ctx.Done()
			return ctx.Err()
		}
		return studytest.Quadratic(ctx, t)
	})
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	spec.Budget.Time = study.Duration(time.Nanosecond)
	if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, studytest.Quadratic); err != nil {
		t.Fatal(err)
	}
	whole := studytest.New(t, nil)
	spec.Budget.Time = 0
	if _, err := study.Local(t.Context(), spec, whole.Recorder, whole.Runner, studytest.Quadratic); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.Records(t, spec.Name), b.Records(t, spec.Name)); diff != "" {
		t.Errorf("(-undisturbed +interrupted) %s", diff)
	}
}
