package workflows

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/energy"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// best is the record of a study's best trial.
func best(t *testing.T, r StudyResult, records []search.Record) search.Record {
	t.Helper()
	if r.Best < 0 {
		t.Fatal("no trial has a value")
	}
	return records[r.Best]
}

// A study whose trials are spent goes on until its best one is trained to the end:
// also one too small for any to be promoted, and one whose space holds fewer trials
// than it may have.
func TestBestIsTrainedToTheEnd(t *testing.T) {
	for _, scheduler := range []string{"asha", "hyperband", "halving"} {
		for _, trials := range []int{1, 2, 8} {
			t.Run(fmt.Sprint(scheduler, trials), func(t *testing.T) {
				spec := toySpec(t, "small")
				spec.Search.Scheduler, spec.Budget.Trials, spec.Search.Parallel = scheduler, trials, 2
				spec.Space = search.Space{search.Float("x", -3, 3)}
				r, records := newBench(t, quadratic).run(t, spec)
				if b := best(t, r, records); b.State != search.Completed || b.Epochs() != 9 {
					t.Errorf("the best is %s, %s after %d epochs", b.Name(), b.State, b.Epochs())
				}
			})
		}
	}
	t.Run("two candidates", func(t *testing.T) {
		spec := toySpec(t, "two")
		spec.Space, spec.Budget.Trials = search.Space{search.Choice("x", 1.5, 2.5)}, 10
		if err := spec.Complete(); err != nil {
			t.Fatal(err)
		}
		r, records := newBench(t, quadratic).twin(t, spec, newBench(t, quadratic))
		if b := best(t, r, records); len(records) != 2 || b.State != search.Completed || b.Params["x"] != 1.5 {
			t.Errorf("%d trials, the best is %s with %s", len(records), b.State, b.Params)
		}
	})
}

// A study that is enlarged ends as one that was larger from the beginning, whether
// it is a workflow or local: what was paused at a rung is paused again.
func TestEnlargedStudyEndsAsALargeOne(t *testing.T) {
	for _, scheduler := range []string{"asha", "hyperband"} {
		spec := toySpec(t, "grow")
		spec.Search.Scheduler = scheduler
		spec.Search.Sampler = "random" // what others propose depends on what they have seen
		spec.Budget.Trials = 20
		whole := newBench(t, quadratic)
		r, large := whole.run(t, spec)
		goal := best(t, r, large)

		b, l := newBench(t, quadratic), newBench(t, quadratic)
		for _, n := range []int{6, 10, 20} {
			spec.Budget.Trials = n
			again := newBench(t, quadratic)
			again.store.Store, again.train.Runner = b.store.Store, b.train.Runner
			r, grown := again.run(t, spec)
			local, err := Local(t.Context(), spec, l.store, l.train.Runner, quadratic)
			if err != nil {
				t.Fatal(err)
			}
			for _, list := range [][]search.Record{grown, l.records(t, spec.Name)} {
				for i := range list {
					if !list[i].State.Ended() {
						t.Errorf("%s, %d trials: %s is %s", scheduler, n, list[i].Name(), list[i].State)
					}
				}
			}
			if n < 20 {
				continue
			}
			// Those that were the best of a smaller study have been trained further.
			for i := range grown {
				if grown[i].Epochs() < large[i].Epochs() {
					t.Errorf("%s: %s has %d epochs, %d if the study was large from the beginning", scheduler, grown[i].Name(), grown[i].Epochs(), large[i].Epochs())
				}
			}
			for _, got := range []search.Record{best(t, r, grown), best(t, local, l.records(t, spec.Name))} {
				if diff := cmp.Diff(goal, got, cmp.Transformer("", func(r search.Record) []any { return []any{r.Trial, r.State, r.Measurements} })); diff != "" {
					t.Errorf("%s: the best (-large +grown): %s", scheduler, diff)
				}
			}
		}
	}
}

// Enough of the time is kept for the best trial.
func TestTimeIsKeptForTheBest(t *testing.T) {
	spec := toySpec(t, "timed")
	spec.Budget.Trials, spec.Budget.Time, spec.Search.Batch = 1000, Duration(100*time.Second), 1
	b := newBench(t, quadratic)
	b.env.OnActivity(trainSegments, mock.Anything, mock.Anything).After(time.Second).Return(func(ctx context.Context, in TrainInput) ([]segment.Result, error) {
		out, err := b.train.Train(ctx, in)
		for i := range out {
			out[i].Seconds = 1
		}
		return out, err
	})
	r, records := b.run(t, spec)
	if b := best(t, r, records); b.State != search.Completed {
		t.Errorf("the best is %s, %s after %d epochs", b.Name(), b.State, b.Epochs())
	}
	if n := len(records); n < 20 || n > 99 {
		t.Errorf("%d trials", n)
	}
}

func TestConcluding(t *testing.T) {
	spec := toySpec(t, "s")
	row := Row{Trial: 3, State: search.Paused, Budget: 3, Joules: 30, Seconds: 6}
	done := row
	done.State = search.Completed
	running := map[int]search.Segment{3: {Trial: 3, From: 3, To: 9}, 4: {Trial: 4, From: 0, To: 1}}
	after := func(s, joules float64) reserve {
		return reserve{joules: joules, elapsed: time.Duration(s * float64(time.Second)), segments: 10, seconds: 10, epochs: 20}
	}
	for _, c := range []struct {
		name      string
		time      time.Duration
		wh        float64
		best      Row
		spent     reserve
		scheduler string
		before    string
		want      string
	}{
		{"the best is on its way", 100 * time.Second, 0, row, after(1, 0), "asha", "as before", "as before"},
		// 9 epochs of 2 s, a tenth more, and a segment of 1 s
		{"it is done, and there is time for another", 100 * time.Second, 0, done, after(79, 0), "asha", "as before", ""},
		{"it is done, and there is no time for another", 100 * time.Second, 0, done, after(80, 0), "asha", "as before", "as before"},
		{"no limit", 0, 0, row, after(1e6, 1e6), "asha", "", ""},
		// 6 epochs of 2 s, a tenth more, and a segment of 1 s
		{"there is time", 100 * time.Second, 0, row, after(85, 0), "asha", "", ""},
		{"there is just enough", 100 * time.Second, 0, row, after(86, 0), "asha", "", "time budget of 1m40s is for training the best, t0003,"},
		{"the best is done", 100 * time.Second, 0, done, after(99, 0), "asha", "", ""},
		{"most is for the search if all would be needed", 10 * time.Second, 0, row, after(1, 0), "asha", "", ""},
		{"a share of a short time", 10 * time.Second, 0, row, after(3, 0), "asha", "", "time budget"},
		{"nothing waits", 100 * time.Second, 0, row, after(99, 0), "none", "", ""},
		// 6 epochs of 10 J, a tenth more, and one that runs at 70/20 J
		{"there is energy", 0, 140. / 3600, row, after(0, 70), "asha", "", ""},
		{"there is just enough energy", 0, 139. / 3600, row, after(0, 70), "asha", "", "energy budget of 0.03861"},
	} {
		spec.Budget.Time, spec.Budget.EnergyWh, spec.Search.Scheduler = Duration(c.time), c.wh, c.scheduler
		got := spec.concluding(&Board{Rows: []Row{c.best}}, c.spent, running, c.before)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A trial that the end of a study's time cut off goes on from there when the study
// has more: nothing is trained twice, or counted twice.
func TestCutTrialGoesOn(t *testing.T) {
	trained := 0
	slow := func(ctx context.Context, t *trials.Trial) error {
		m := &model{}
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
	b := newBench(t, slow)
	spec := toySpec(t, "cut")
	spec.Search.Scheduler, spec.Budget.Trials, spec.Budget.Epochs, spec.Budget.Time = "none", 2, 20, Duration(300*time.Millisecond)
	if _, err := Local(t.Context(), spec, b.store, b.train.Runner, slow); err != nil {
		t.Fatal(err)
	}
	records := b.records(t, spec.Name)
	if r := records[1]; r.State != search.Stopped || r.Epochs() != 10 || r.Reason != "the time budget of 300ms is spent" {
		t.Fatalf("t0001 is %s after %d epochs: %s", r.State, r.Epochs(), r.Reason)
	}
	spec.Budget.Time = 0
	if _, err := Local(t.Context(), spec, b.store, b.train.Runner, slow); err != nil {
		t.Fatal(err)
	}
	records = b.records(t, spec.Name)
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
	spec := toySpec(t, "cell")
	spec.Search.Scheduler, spec.Search.Parallel, spec.Budget.Trials, spec.Budget.Epochs = "none", 2, 8, 3
	b := newBench(t, nil)
	epochs := 0
	for range 3 {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("the cell was interrupted")
		_, err := Local(ctx, spec, b.store, b.train.Runner, func(ctx context.Context, t *trials.Trial) error {
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
		row, err := b.store.Store.Study(t.Context(), spec.Name)
		if err != nil || row.State != store.StudyStopped || !strings.Contains(row.Reason, "run again, it goes on") {
			t.Fatalf("the study is %s: %s, %v", row.State, row.Reason, err)
		}
		for _, r := range b.records(t, spec.Name) {
			if r.State == search.Stopped || r.State == search.Failed {
				t.Errorf("%s is %s: %s", r.Name(), r.State, r.Reason)
			}
		}
	}
	if _, err := Local(t.Context(), spec, b.store, b.train.Runner, func(_ context.Context, t *trials.Trial) error {
		for range t.Epochs() {
			epochs++
			t.Report(1)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.records(t, spec.Name) {
		if r.State != search.Completed {
			t.Errorf("%s is %s: %s", r.Name(), r.State, r.Reason)
		}
	}
	row, _ := b.store.Store.Study(t.Context(), spec.Name)
	before, err := Elapsed(t.Context(), b.store.Store, &row)
	if err != nil || before <= 0 {
		t.Fatalf("the study ran for %s, %v", before, err)
	}
	// No time is left for more.
	spec.Budget.Trials, spec.Budget.Time = 20, Duration(before)
	if _, err := Local(t.Context(), spec, b.store, b.train.Runner, quadratic); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.records(t, spec.Name) {
		if r.ID >= 8 && r.Epochs() > 0 {
			t.Errorf("%s was trained for %d epochs when the time was over", r.Name(), r.Epochs())
		}
	}
}

// What is said of a best trial that was never trained to the end.
func TestUnfinished(t *testing.T) {
	spec := toySpec(t, "s")
	rec := search.Record{Trial: search.Trial{ID: 3}, State: search.Stopped, Reason: "rung 3: 2 is 1st of 2, too few to promote one in 3",
		Measurements: []search.Measurement{{Budget: 3}}, Seconds: 30, Joules: 36}
	for _, c := range []struct {
		name  string
		state store.StudyState
		why   string
		edit  func(*Spec, *search.Record)
		want  string
	}{
		{"it runs", store.StudyRunning, "", func(*Spec, *search.Record) {}, ""},
		{"completed", store.StudyCompleted, "", func(_ *Spec, r *search.Record) { r.State = search.Completed }, ""},
		{"full", store.StudyCompleted, "", func(_ *Spec, r *search.Record) { r.Measurements[0].Budget = 9 }, ""},
		{"trials", store.StudyCompleted, "", func(*Spec, *search.Record) {}, "t0003 was trained for 3 of 9 epochs only, for the study ended first; to go on: run its program again"},
		{"plateau", store.StudyCompleted, "", func(s *Spec, r *search.Record) {
			s.Search.Scheduler, r.Reason = "plateau", "rung 3: it does not improve"
		}, ""},
		{"time", store.StudyCompleted, "the time budget of 1m is spent", func(s *Spec, _ *search.Record) {
			s.Budget.Time, s.Command = Duration(time.Minute), &Command{}
		}, "budwood run FILE --time 2m30s, with its study file"},
		{"energy", store.StudyCompleted, "the energy budget of 0.1 Wh is spent", func(s *Spec, _ *search.Record) {
			s.Budget.EnergyWh, s.Command = .1, &Command{}
		}, "budwood run FILE --energy-wh 0.13, with"},
		{"user", store.StudyStopped, "stopped by the user", func(s *Spec, _ *search.Record) { s.Command = &Command{} }, "budwood run FILE, with"},
	} {
		spec, rec := *spec, rec
		rec.Measurements = []search.Measurement{{Budget: 3}}
		c.edit(&spec, &rec)
		got := spec.Unfinished(&store.Study{State: c.state, Reason: c.why}, &rec, 50*time.Second)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What a cut trial was trained and has spent counts once when it goes on: the result
// is that of all its attempts at the segment.
func TestCutTrialCountsOnce(t *testing.T) {
	spec := toySpec(t, "once")
	spec.Search.Scheduler, spec.Budget.Trials = "none", 1
	s := &study{in: StudyInput{Spec: *spec}, loop: &search.Loop{Scheduler: newScheduler(spec), Trials: 1, Settles: true}}
	d := s.loop.Begin()
	home := func(state search.State, epochs int, joules, seconds float64) {
		t.Helper()
		c := &child{segments: d.Run, trials: []search.Trial{{}}, results: []segment.Result{{
			State: state, Budget: epochs, Energy: energy.Energy{Joules: joules}, Seconds: seconds,
			Final: search.Measurement{Budget: epochs, Metrics: search.Metrics{"loss": 1}},
		}}}
		s.outcome(c, 0)
		row := s.board.Rows[0]
		want := Spent{Joules: joules, Seconds: seconds, Epochs: epochs}
		if s.spent != want || row.Joules != joules || row.Seconds != seconds {
			t.Errorf("%+v, want %+v; on the leaderboard %v J, %v s", s.spent, want, row.Joules, row.Seconds)
		}
	}
	end := func() {
		s.loop.Close("the time is over")
		s.stopping = true
	}
	end()
	home(search.Stopped, 3, 30, 3)
	for _, epochs := range []int{5, 9} {
		s.board.revive(s.loop.Reopen())
		d = s.loop.Resize(1, 1)
		state := search.Completed
		if epochs < 9 {
			state = search.Stopped
		}
		end()
		home(state, epochs, 10*float64(epochs), float64(epochs))
	}
}

// A local study whose budget is spent stays as it is when it is run again, and so do
// the weights of its best trial.
func TestSpentLocalStudyStays(t *testing.T) {
	for _, budget := range []string{"time", "energy"} {
		t.Run(budget, func(t *testing.T) {
			spec := toySpec(t, "spent")
			spec.Search.Parallel, spec.Budget.Trials = 2, 1000
			b := newBench(t, nil)
			b.train.Runner.Meter = nil
			slow := func(ctx context.Context, t *trials.Trial) error {
				for end := time.Now().Add(5 * time.Millisecond); time.Now().Before(end); {
				}
				return quadratic(ctx, t)
			}
			run := func() (StudyResult, []search.Record) {
				t.Helper()
				r, err := Local(t.Context(), spec, b.store, b.train.Runner, slow)
				if err != nil {
					t.Fatal(err)
				}
				last, err := b.store.Store.LastSegments(t.Context(), spec.Name, []int{r.Best})
				if err != nil {
					t.Fatal(err)
				}
				f, err := b.train.Runner.Blobs.Get(t.Context(), trials.EndKey(spec.Name, r.Best, last[r.Best]))
				if err != nil {
					t.Fatalf("the weights of the best trial: %v", err)
				}
				f.Close()
				return r, b.recordsNow(t, spec.Name)
			}
			if budget == "time" {
				spec.Budget.Time = Duration(500 * time.Millisecond)
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
