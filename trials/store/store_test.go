package store

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"budwood/search"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

func openStore(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	minute := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	s.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		minute = minute.Add(time.Minute)
		return minute
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func tempStore(t testing.TB) *Store {
	return openStore(t, filepath.Join(t.TempDir(), "store.db"))
}

var testSpace = search.Space{
	search.LogFloat("lr", 1e-4, 1),
	search.Int("layers", 1, 4),
	search.Choice("act", "relu", "tanh"),
}

func testStudy(name string) Study {
	return Study{
		Name: name, Spec: json.RawMessage(`{"name":"x"}`), Space: testSpace,
		Objectives: []search.Objective{{Metric: "valid_accuracy", Goal: search.Maximize}},
		Features:   json.RawMessage(`{"rows":10}`),
	}
}

func begin(t testing.TB, s *Store, name string, trials int) {
	t.Helper()
	if _, _, err := s.Begin(t.Context(), testStudy(name)); err != nil {
		t.Fatal(err)
	}
	add(t, s, name, 0, trials)
}

func add(t testing.TB, s *Store, name string, first, n int) {
	t.Helper()
	var batch []search.Trial
	for i := first; i < first+n; i++ {
		batch = append(batch, search.Trial{ID: i, Source: "random",
			Params: search.Params{"lr": 0.001 * float64(i%900+1), "layers": 1 + i%4, "act": "relu"}})
	}
	if _, err := s.Add(t.Context(), name, batch); err != nil {
		t.Fatal(err)
	}
}

// report is a plausible outcome of a segment.
func report(study string, trial, from, to int, accuracy float64) segment.Report {
	r := segment.Report{Key: segment.Key{Study: study, Trial: trial, From: from, To: to}, Attempt: 1, Result: segment.Result{State: search.Paused, Worker: "w1", Seconds: 0.5,
		Energy: energy.Energy{Joules: 6, Low: 3, High: 9, Method: energy.Estimated}}}
	for b := from + 1; b <= to; b++ {
		r.Curve = append(r.Curve, search.Measurement{Budget: b, Metrics: search.Metrics{"valid_accuracy": accuracy, "train_loss": 1 / float64(b)}})
	}
	r.Final = r.Curve[len(r.Curve)-1]
	return r
}

func record(t testing.TB, s *Store, r segment.Report) {
	t.Helper()
	accepted, err := s.Record(t.Context(), r)
	if err != nil || !accepted {
		t.Fatalf("accepted %v, error %v", accepted, err)
	}
}

func TestStudyRoundTrip(t *testing.T) {
	s := tempStore(t)
	ctx := t.Context()
	want := testStudy("digits")
	want.WarmStart = json.RawMessage(`["wine"]`)
	want.Space = append(want.Space, search.Choice("opt", "adam", "sgd").When("sgd", search.Float("momentum", 0, 0.99)))
	got, created, err := s.Begin(ctx, want)
	if err != nil || !created {
		t.Fatal(created, err)
	}
	want.State, want.Best, want.Created = StudyRunning, -1, time.Date(2026, 3, 1, 9, 1, 0, 0, time.UTC)
	same := cmp.Comparer(func(a, b search.Space) bool { return cmp.Equal(a.Specs(), b.Specs()) })
	if d := cmp.Diff(want, got, same); d != "" {
		t.Error(d)
	}

	other := testStudy("digits")
	other.Spec = json.RawMessage(`{"changed":true}`)
	again, created, err := s.Begin(ctx, other)
	if err != nil || created {
		t.Fatalf("a study that exists: created %v, error %v", created, err)
	}
	if d := cmp.Diff(got, again, same); d != "" {
		t.Errorf("a study that exists was changed: %s", d)
	}

	for range 2 {
		if err := s.Finish(ctx, "digits", StudyCompleted, "60 trials", 3, search.Metrics{"test_accuracy": 0.97, "odd": math.NaN()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish(ctx, "digits", StudyCompleted, "60 trials", 3, nil); err != nil {
		t.Fatal(err)
	}
	want.State, want.Reason, want.Best, want.Test = StudyCompleted, "60 trials", 3, search.Metrics{"test_accuracy": 0.97}
	want.Ended = time.Date(2026, 3, 1, 9, 3, 0, 0, time.UTC) // the first Finish; the second Begin looked at the clock too
	got, err = s.Study(ctx, "digits")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, same); d != "" {
		t.Error(d)
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var back Study
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, back, same); d != "" {
		t.Errorf("through JSON: %s", d)
	}
}

func TestNoStudyNamesNearOnes(t *testing.T) {
	s := tempStore(t)
	for _, name := range []string{"digits", "digits-nas", "wine"} {
		begin(t, s, name, 0)
	}
	calls := map[string]func() error{
		"Study":   func() error { _, err := s.Study(t.Context(), "digts"); return err },
		"Finish":  func() error { return s.Finish(t.Context(), "digts", StudyStopped, "", -1, nil) },
		"Delete":  func() error { return s.Delete(t.Context(), "digts") },
		"Add":     func() error { _, err := s.Add(t.Context(), "digts", nil); return err },
		"Record":  func() error { _, err := s.Record(t.Context(), report("digts", 0, 0, 1, 1)); return err },
		"End":     func() error { return s.End(t.Context(), "digts", 0, search.Stopped, "") },
		"Resume":  func() error { return s.Resume(t.Context(), "digts", 0, 3, "") },
		"Records": func() error { _, err := s.Records(t.Context(), "digts"); return err },
		"Curve":   func() error { _, err := s.Curve(t.Context(), "digts", 0); return err },
		"Top":     func() error { _, err := s.Top(t.Context(), "digts", 1); return err },
	}
	for name, call := range calls {
		err := call()
		if !errors.Is(err, ErrNoStudy) || !strings.Contains(err.Error(), `did you mean "digits"?`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Study(t.Context(), "zzzzzz"); !errors.Is(err, ErrNoStudy) || strings.Contains(err.Error(), "mean") {
		t.Errorf("nothing is near: %v", err)
	}
	for _, name := range []string{"digit1", "digit2", "digit3"} {
		begin(t, s, name, 0)
	}
	if _, err := s.Study(t.Context(), "digit"); err == nil || strings.Count(err.Error(), " or ") != 2 {
		t.Errorf("of four near ones: %v", err)
	}
	one := tempStore(t)
	if _, err := one.Study(t.Context(), "zzzzzz"); err == nil || !strings.HasSuffix(err.Error(), "; there are none yet") {
		t.Errorf("of no study: %v", err)
	}
	begin(t, one, "digits", 0)
	if _, err := one.Study(t.Context(), "zzzzzz"); err == nil || !strings.HasSuffix(err.Error(), ErrNoStudy.Error()) {
		t.Errorf("of one that is not near: %v", err)
	}
}

func TestRecords(t *testing.T) {
	s := tempStore(t)
	ctx := t.Context()
	begin(t, s, "digits", 3)
	record(t, s, report("digits", 0, 0, 1, 0.8))
	record(t, s, report("digits", 0, 1, 3, 0.9))
	if err := s.End(ctx, "digits", 0, search.Stopped, "rung 3: 0.9 < cut 0.95"); err != nil {
		t.Fatal(err)
	}
	diverged := report("digits", 1, 0, 3, math.NaN())
	diverged.State, diverged.Reason = search.Diverged, "epoch 3: valid_accuracy is NaN"
	record(t, s, diverged)

	want := []search.Record{
		{
			Trial: search.Trial{ID: 0, Params: search.Params{"lr": 0.001, "layers": 1, "act": "relu"}, Source: "random"},
			State: search.Stopped, Reason: "rung 3: 0.9 < cut 0.95", Joules: 12, Seconds: 1,
			Measurements: []search.Measurement{
				{Budget: 1, Metrics: search.Metrics{"valid_accuracy": 0.8, "train_loss": 1}},
				{Budget: 3, Metrics: search.Metrics{"valid_accuracy": 0.9, "train_loss": 1. / 3}},
			},
		},
		{
			Trial: search.Trial{ID: 1, Params: search.Params{"lr": 0.002, "layers": 2, "act": "relu"}, Source: "random"},
			State: search.Diverged, Reason: "epoch 3: valid_accuracy is NaN", Joules: 6, Seconds: 0.5,
			Measurements: []search.Measurement{{Budget: 3, Metrics: search.Metrics{"train_loss": 1. / 3}}},
		},
		{
			Trial: search.Trial{ID: 2, Params: search.Params{"lr": 0.003, "layers": 3, "act": "relu"}, Source: "random"},
			State: search.Running,
		},
	}
	for range 2 { // from the file, from the cache
		got, err := s.Records(ctx, "digits")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	reader, err := OpenReadOnly(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	got, err := reader.Records(ctx, "digits")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("reader: %s", d)
	}

	curve, err := s.Curve(ctx, "digits", 1)
	if err != nil {
		t.Fatal(err)
	}
	wantCurve := []search.Measurement{
		{Budget: 1, Metrics: search.Metrics{"train_loss": 1}},
		{Budget: 2, Metrics: search.Metrics{"train_loss": 0.5}},
		{Budget: 3, Metrics: search.Metrics{"train_loss": 1. / 3}},
	}
	if d := cmp.Diff(wantCurve, curve); d != "" {
		t.Error(d)
	}
	if curve, err = s.Curve(ctx, "digits", 0); err != nil || len(curve) != 3 {
		t.Errorf("a curve of two segments: %v %v", curve, err)
	}
	if _, err = s.Curve(ctx, "digits", 77); !errors.Is(err, ErrNoTrial) {
		t.Errorf("curve of a trial that does not exist: %v", err)
	}

	top, err := s.Top(ctx, "digits", 5)
	if err != nil || len(top) != 1 || top[0].ID != 0 {
		t.Errorf("top: %v %v", top, err)
	}
}

// A value column holds no NaN and no inf, whatever is recorded.
func TestNoNaNInTheFile(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 1)
	r := report("digits", 0, 0, 3, math.Inf(1))
	r.Curve[0].Metrics["train_loss"] = math.NaN()
	r.Curve[1].Metrics["train_loss"] = math.Inf(-1)
	r.Energy = energy.Energy{Joules: math.NaN(), Low: math.Inf(-1), High: math.Inf(1), Idle: math.NaN()}
	r.Seconds = math.Inf(1)
	record(t, s, r)
	var values, losses int
	var joules, seconds float64
	if err := s.read.QueryRow(`SELECT (SELECT count(*) FROM curve), (SELECT count(loss) FROM trials), joules, seconds FROM trials`).
		Scan(&values, &losses, &joules, &seconds); err != nil {
		t.Fatal(err)
	}
	if values != 1 || losses != 0 || joules != 0 || seconds != 0 {
		t.Errorf("%d values (want 1: the finite loss of epoch 3), %d losses, %v J, %v s", values, losses, joules, seconds)
	}
	for _, bad := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
		err := s.change(t.Context(), "test", func(w *writer) error {
			return w.exec(`INSERT INTO curve VALUES (1, 0, 3, 9, 'x', ?)`, bad)
		})
		if err == nil {
			t.Errorf("the schema lets %v in", bad)
		}
	}
}

func TestTrialStates(t *testing.T) {
	s := tempStore(t)
	ctx := t.Context()
	begin(t, s, "digits", 1)
	expect := func(when string, state search.State, reason string) {
		t.Helper()
		records, err := s.Records(ctx, "digits")
		if err != nil {
			t.Fatal(err)
		}
		if r := records[0]; r.State != state || r.Reason != reason {
			t.Errorf("%s: %s %q, want %s %q", when, r.State, r.Reason, state, reason)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	expect("added", search.Running, "")
	record(t, s, report("digits", 0, 0, 1, 0.8))
	expect("reported", search.Paused, "")
	do(s.Resume(ctx, "digits", 0, 3, "rung 1: 1st of 3"))
	expect("resumed", search.Running, "rung 1: 1st of 3")
	record(t, s, report("digits", 0, 0, 1, 0.8)) // a report that comes again
	expect("old report again", search.Running, "rung 1: 1st of 3")
	record(t, s, report("digits", 0, 1, 3, 0.9))
	expect("reported", search.Paused, "")
	do(s.Resume(ctx, "digits", 0, 3, "rung 1: 1st of 3")) // an activity that is run again
	expect("old resume again", search.Paused, "")
	do(s.End(ctx, "digits", 0, search.Completed, "full budget"))
	do(s.End(ctx, "digits", 0, search.Stopped, "too late"))
	expect("ended", search.Completed, "full budget")
	do(s.Resume(ctx, "digits", 0, 9, "too late"))
	expect("resumed after the end", search.Completed, "full budget")

	if err := s.End(ctx, "digits", 5, search.Stopped, ""); !errors.Is(err, ErrNoTrial) {
		t.Errorf("end of a trial that does not exist: %v", err)
	}
	if err := s.Resume(ctx, "digits", 5, 3, ""); !errors.Is(err, ErrNoTrial) {
		t.Errorf("resume of a trial that does not exist: %v", err)
	}
	if _, err := s.Record(ctx, report("digits", 5, 0, 1, 1)); !errors.Is(err, ErrNoTrial) {
		t.Errorf("report of a trial that does not exist: %v", err)
	}
	if err := s.End(ctx, "digits", 0, search.Paused, ""); err == nil {
		t.Error("paused is no end")
	}
	bad := report("digits", 0, 3, 9, 1)
	bad.State = search.Running
	if _, err := s.Record(ctx, bad); err == nil {
		t.Error("a segment does not end as running")
	}
	bad.State, bad.To = search.Paused, 3
	if _, err := s.Record(ctx, bad); err == nil {
		t.Error("a segment of no length")
	}
}

func TestAddReturnsWhatIsStored(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 2)
	got, err := s.Add(t.Context(), "digits", []search.Trial{
		{ID: 1, Source: "tpe", Params: search.Params{"lr": 0.5, "layers": 4, "act": "tanh"}},
		{ID: 2, Source: "tpe", Params: search.Params{"lr": 0.5, "layers": 4, "act": "tanh", search.ArchitectureKey: "d3-w64"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []search.Trial{
		{ID: 1, Source: "random", Params: search.Params{"lr": 0.002, "layers": 2, "act": "relu"}},
		{ID: 2, Source: "tpe", Params: search.Params{"lr": 0.5, "layers": 4, "act": "tanh", search.ArchitectureKey: "d3-w64"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := s.Add(t.Context(), "digits", []search.Trial{{ID: -1}}); err == nil {
		t.Error("a negative number was accepted")
	}
}

func TestDelete(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 2)
	begin(t, s, "wine", 1)
	record(t, s, report("digits", 0, 0, 3, 0.9))
	record(t, s, report("wine", 0, 0, 3, 0.9))
	if err := s.Delete(t.Context(), "digits"); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int{"studies": 1, "trials": 1, "segments": 1, "curve": 6} {
		var n int
		if err := s.read.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d rows, want those of wine, %d (%v)", table, n, want, err)
		}
	}
	begin(t, s, "digits", 1)
	var id int
	if err := s.read.QueryRow("SELECT id FROM studies WHERE name = 'digits'").Scan(&id); err != nil || id != 3 {
		t.Errorf("the new study has id %d, want 3: ids are never used again (%v)", id, err)
	}
	if r, err := s.Records(t.Context(), "digits"); err != nil || len(r) != 1 || r[0].State != search.Running {
		t.Errorf("the new study sees the old one's trials: %v %v", r, err)
	}
}

func TestReadOnlyStoreRefusesWrites(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 1)
	r, err := OpenReadOnly(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Delete(t.Context(), "digits"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("delete: %v", err)
	}
	if _, err := r.Study(t.Context(), "digits"); err != nil {
		t.Error(err)
	}
}

func TestClosedStore(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "store.db"))
	begin(t, s, "digits", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(context.Background(), "digits"); !errors.Is(err, ErrClosed) || !strings.Contains(err.Error(), s.Path()) {
		t.Errorf("delete: %v", err)
	}
	if _, err := s.Study(context.Background(), "digits"); err == nil {
		t.Error("read from a closed store")
	}
	if _, err := os.Stat(s.Path() + "-wal"); err == nil {
		t.Error("the log was left beside a closed store")
	}
}

func TestReopen(t *testing.T) {
	s := tempStore(t)
	ctx := t.Context()
	begin(t, s, "digits", 1)
	record(t, s, report("digits", 0, 0, 3, 0.9))
	if carry, err := s.Reopen(ctx, "digits", json.RawMessage(`{}`)); err != nil || carry != nil {
		t.Fatalf("nothing was kept yet: %s, %v", carry, err)
	}
	if err := s.SaveState(ctx, "digits", json.RawMessage(`{"rungs":[3]}`)); err != nil {
		t.Fatal(err)
	}
	if carry, err := s.SavedState(ctx, "digits"); err != nil || string(carry) != `{"rungs":[3]}` {
		t.Errorf("%s, %v", carry, err)
	}
	if _, err := s.SavedState(ctx, "digts"); !errors.Is(err, ErrNoStudy) {
		t.Errorf("of a study that is not there: %v", err)
	}
	if err := s.Finish(ctx, "digits", StudyCompleted, "1 trial", 0, search.Metrics{"test_accuracy": 0.8}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // an activity that is run again
		carry, err := s.Reopen(ctx, "digits", json.RawMessage(`{"trials":2}`))
		if err != nil || string(carry) != `{"rungs":[3]}` {
			t.Fatalf("%s, %v", carry, err)
		}
	}
	got, err := s.Study(ctx, "digits")
	if err != nil {
		t.Fatal(err)
	}
	if got.State != StudyRunning || got.Best != -1 || got.Test != nil || !got.Ended.IsZero() || string(got.Spec) != `{"trials":2}` {
		t.Errorf("%+v", got)
	}
	if r, err := s.Records(ctx, "digits"); err != nil || len(r) != 1 || len(r[0].Measurements) != 1 {
		t.Errorf("its trials: %v, %v", r, err)
	}
	if _, err := s.Reopen(ctx, "digts", nil); !errors.Is(err, ErrNoStudy) {
		t.Error(err)
	}
}
