package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"budwood/search"
	"budwood/trials"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// wrongAtFirst is quadratic, but for the first trials, whose losses are far too
// good.
func wrongAtFirst(ctx context.Context, t *trials.Trial) error {
	if t.ID < 2 {
		m := &model{}
		if err := t.Keep(m); err != nil {
			return err
		}
		for range t.Epochs() {
			m.Epochs++
			t.Report(-100 - float64(t.ID))
		}
		return nil
	}
	return quadratic(ctx, t)
}

// Trials set aside while the study runs are on no leaderboard, among nobody's
// peers, and not the best; one of them that runs is stopped.
func TestSetAsideWhileItRuns(t *testing.T) {
	for _, scheduler := range Schedulers {
		t.Run(scheduler, func(t *testing.T) {
			spec := toySpec(t, "aside")
			spec.Search.Scheduler, spec.Search.Parallel, spec.Search.Batch = scheduler, 2, 1
			spec.Retrain, spec.Budget.Trials = Retrain{Best: 2, Epochs: 9}, 14
			b := newBench(t, wrongAtFirst)
			b.slow(time.Second)
			over := map[int]bool{} // decided before
			b.env.RegisterDelayedCallback(func() {
				for _, r := range b.recordsNow(t, spec.Name) {
					over[r.ID] = r.State.Ended()
					if r.Aside != "" {
						t.Errorf("%s is set aside before anybody asked", r.Name())
					}
				}
			}, 3400*time.Millisecond)
			dropped := b.at(t, 3500*time.Millisecond, SetAsideUpdate, AsideRequest{Trials: []int{0, 1}, Why: "a mistake"})
			none := b.at(t, 3700*time.Millisecond, SetAsideUpdate, AsideRequest{Trials: []int{99}})
			r, records := b.run(t, spec)
			if dropped.err != nil || none.err == nil || !strings.Contains(none.err.Error(), "there is no trial t0099 yet") {
				t.Fatalf("%v; no such trial: %v", dropped.err, none.err)
			}
			for _, row := range dropped.status.Board.Rows {
				if row.Trial < 2 {
					t.Errorf("%s is on the leaderboard", search.TrialName(row.Trial))
				}
			}
			if r.State != store.StudyCompleted || r.Best < 2 || len(records) != spec.Budget.Trials+2 {
				t.Errorf("%s, best %d of %d trials", r.State, r.Best, len(records))
			}
			for _, k := range records {
				if (k.Aside != "") != (k.ID < 2) || !k.State.Ended() {
					t.Errorf("%s %s, aside %q", k.Name(), k.State, k.Aside)
				}
				if k.ID >= 2 && !over[k.ID] && (strings.Contains(k.Reason, "-10") || strings.HasPrefix(k.Source, retrainSource+"t000") && k.Source < retrainSource+"t0002") {
					t.Errorf("%s (%s): %s", k.Name(), k.Source, k.Reason)
				}
			}
		})
	}
}

// Set aside and kept again while the study is paused, nothing has been: the study
// decides as if nobody had asked.
func TestKeepUndoesDrop(t *testing.T) {
	for _, scheduler := range Schedulers {
		t.Run(scheduler, func(t *testing.T) {
			run := func(ask bool) []search.Record {
				spec := toySpec(t, "undo")
				spec.Search.Scheduler, spec.Budget.Trials = scheduler, 12
				b := newBench(t, quadratic)
				b.slow(time.Second)
				held := b.at(t, 7500*time.Millisecond, PauseUpdate)
				if ask {
					all := []int{0, 1, 2, 3, 4}
					b.at(t, 20*time.Second, SetAsideUpdate, AsideRequest{Trials: all, Why: "a mistake"})
					b.at(t, 30*time.Second, SetAsideUpdate, AsideRequest{Trials: []int{1, 2}, Keep: true})
					b.at(t, 31*time.Second, SetAsideUpdate, AsideRequest{Trials: []int{0, 3, 4}, Keep: true})
				}
				b.at(t, time.Minute, ResumeUpdate)
				_, records := b.run(t, spec)
				if held.err != nil || held.status.State != "paused" {
					t.Fatalf("%+v, %v", held.status, held.err)
				}
				return records
			}
			if diff := cmp.Diff(run(false), run(true)); diff != "" {
				t.Errorf("(-undisturbed +dropped and kept) %s", diff)
			}
		})
	}
}

// A study that has ended, some of whose trials are set aside then, goes on without
// them, whatever its saved state says; so does a local one.
func TestSetAsideAfterTheEnd(t *testing.T) {
	for _, how := range []string{"workflow", "local"} {
		t.Run(how, func(t *testing.T) {
			spec := toySpec(t, "ended")
			spec.Budget.Trials = 8
			b := newBench(t, wrongAtFirst)
			go1 := func(b *bench) (r StudyResult, records []search.Record) {
				if how == "workflow" {
					return b.run(t, spec)
				}
				r, err := Local(t.Context(), spec, b.store, b.train.Runner, b.train.Objective)
				if err != nil {
					t.Fatal(err)
				}
				return r, b.records(t, spec.Name)
			}
			if r, _ := go1(b); r.Best > 1 {
				t.Fatalf("best %d", r.Best)
			}
			if _, err := b.store.SetAside(t.Context(), spec.Name, []int{0, 1}, "a mistake"); err != nil {
				t.Fatal(err)
			}
			spec.Budget.Trials = 16
			again := newBench(t, wrongAtFirst)
			again.store.Store, again.train.Runner = b.store.Store, b.train.Runner
			r, records := go1(again)
			if r.Best < 2 || len(records) != 16 {
				t.Errorf("best %d of %d", r.Best, len(records))
			}
			for _, k := range records {
				if k.ID >= 8 && strings.Contains(k.Reason, "-10") {
					t.Errorf("%s: %s", k.Name(), k.Reason)
				}
				if !k.State.Ended() || k.ID < 2 && (k.Aside != "a mistake" || len(k.Measurements) == 0) {
					t.Errorf("%+v", k)
				}
			}
		})
	}
}

// The sampler sees no trial that is set aside.
func TestSamplerDoesNotSeeAside(t *testing.T) {
	spec := toySpec(t, "blind")
	spec.Search.Sampler, spec.Search.Scheduler, spec.Budget.Trials = "tpe", "none", 13
	b := newBench(t, wrongAtFirst)
	b.run(t, spec)
	if _, err := b.store.SetAside(t.Context(), spec.Name, []int{0, 1}, "a mistake"); err != nil {
		t.Fatal(err)
	}
	p, err := b.store.proposer(t.Context(), spec.Name)
	if err != nil {
		t.Fatal(err)
	}
	past := b.recordsNow(t, spec.Name)
	want, err := p.propose(t.Context(), past[2:], 13)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.store.Start(t.Context(), StartInput{Study: spec.Name, Segments: []search.Segment{{Trial: 13, To: 9}}})
	if err != nil || len(got) != 1 || got[0].Params["x"] != want.Params["x"] {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if other, err := p.propose(t.Context(), past, 13); err == nil && other.Params["x"] == want.Params["x"] {
		for i := range past {
			past[i].Aside = ""
		}
		if other, err = p.propose(t.Context(), past, 13); err != nil || other.Params["x"] == want.Params["x"] {
			t.Errorf("the two trials make no difference to the sampler: this test sees nothing (%v)", err)
		}
	}
}

func TestDescribeChange(t *testing.T) {
	old, now := segment.Version{"train.py": "1", "model.py": "1"}, segment.Version{"train.py": "2", "model.py": "1"}
	older := segment.Version{"train.py": "1", "model.py": "0"}
	list := []store.Trained{{Version: older, ID: older.ID(), Trials: []int{0}}, {Version: old, ID: old.ID(), Trials: []int{1, 2, 3, 5}}, {Version: now, ID: now.ID(), Trials: []int{3, 4}}}
	if got := DescribeChange("s", list[2:], now); got != "" {
		t.Error(got)
	}
	if got := DescribeChange("s", list, nil); got != "" {
		t.Errorf("nobody knows what it is now: %s", got)
	}
	want := "train.py has changed: 4 trials (t0001-t0003,t0005) are of the version before (" + old.ID() + ", now " + now.ID() +
		"); to leave them out: budwood trial drop s t0001-t0003,t0005 --why 'train.py has changed'"
	if got := DescribeChange("s", list[1:], now); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	want = "model.py and train.py have changed: 5 trials (t0000-t0003,t0005) are of versions before ("
	if got := DescribeChange("s", list, now); !strings.HasPrefix(got, want) {
		t.Error(got)
	}
	want = "t0000 of version " + older.ID() + ", t0001-t0003,t0005 of version " + old.ID() + ", t0003-t0004 of version " + now.ID() +
		" (model.py and train.py have changed); to leave those before out: budwood trial drop s t0000-t0003,t0005 --why 'model.py and train.py have changed'"
	if got := DescribeVersions("s", list); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if !slices.Equal(list[1].Trials, []int{1, 2, 3, 5}) {
		t.Errorf("it changed what it describes: %v", list)
	}
}

// A study goes on with another command, whose versions tell its trials apart.
func TestCommandMayChange(t *testing.T) {
	spec := toySpec(t, "cmd")
	spec.Command = &Command{Args: []string{"sh", "train.sh", "{x}"}, Env: map[string]string{"SCALE": "1"}}
	stored, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	was := spec.Version()
	spec.Command = &Command{Args: spec.Command.Args, Env: map[string]string{"SCALE": "2"}}
	if err := CanContinue(stored, spec); err != nil {
		t.Error(err)
	}
	if SameCommand(stored, spec) {
		t.Error("the same command")
	}
	if got := was.Changed(spec.Version()); !slices.Equal(got, []string{"env SCALE"}) {
		t.Errorf("changed: %v", got)
	}
	spec.Command = nil
	if err := CanContinue(stored, spec); err == nil {
		t.Error("a study of a command goes on without one")
	}
}

// A trial that was paused when its study was interrupted, and is set aside, ends
// when the study goes on.
func TestPausedTrialSetAsideEnds(t *testing.T) {
	spec := toySpec(t, "paused")
	spec.Budget.Trials = 5
	b := newBench(t, quadratic)
	segments := 0
	died := errors.New("the disk is gone")
	runner := &trials.Runner{Blobs: failing{b.train.Runner.Blobs, func() error {
		if segments++; segments > 4 {
			return died
		}
		return nil
	}}, Meter: b.train.Runner.Meter}
	if _, err := Local(t.Context(), spec, b.store, runner, quadratic); !errors.Is(err, died) {
		t.Fatal(err)
	}
	i := slices.IndexFunc(b.recordsNow(t, spec.Name), func(r search.Record) bool { return r.State == search.Paused })
	if i < 0 {
		t.Fatal("no trial is paused")
	}
	if _, err := b.store.SetAside(t.Context(), spec.Name, []int{i}, "a mistake"); err != nil {
		t.Fatal(err)
	}
	r, err := Local(t.Context(), spec, b.store, b.train.Runner, quadratic)
	if err != nil || r.Best == i {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := b.recordsNow(t, spec.Name)[i]; got.State != search.Stopped || got.Reason != "set aside" || len(got.Measurements) != 1 {
		t.Errorf("%+v", got)
	}
}
