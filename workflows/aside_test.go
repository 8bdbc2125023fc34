package workflows

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials/store"
)

// Trials set aside while the study runs are on no leaderboard, among nobody's
// peers, and not the best; one of them that runs is stopped.
func TestSetAsideWhileItRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, scheduler := range study.Schedulers.Names() {
		t.Run(scheduler, func(t *testing.T) {
			spec := studytest.Toy(t, "aside")
			spec.Search.Scheduler, spec.Search.Parallel, spec.Search.Batch = scheduler, 2, 1
			spec.Retrain, spec.Budget.Trials = study.Retrain{Best: 2, Epochs: 9}, 14
			b := newBench(t, studytest.WrongAtFirst)
			b.slow(time.Second)
			over := map[int]bool{} // decided before
			b.env.RegisterDelayedCallback(func() {
				for _, r := range b.Stored(t, spec.Name) {
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
			for _, row := range dropped.status.Leaderboard.Rows {
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
				if k.ID >= 2 && !over[k.ID] && (strings.Contains(k.Reason, "-10") || strings.HasPrefix(k.Source, "retrain t000") && k.Source < "retrain t0002") {
					t.Errorf("%s (%s): %s", k.Name(), k.Source, k.Reason)
				}
			}
		})
	}
}

// Set aside and kept again while the study is paused, nothing has been: the study
// decides as if nobody had asked.
func TestKeepUndoesDrop(t *testing.T) {
	schedulers := study.Schedulers.Names()
	if testing.Short() {
		schedulers = schedulers[:2]
	}
	for _, scheduler := range schedulers {
		t.Run(scheduler, func(t *testing.T) {
			run := func(ask bool) []search.Record {
				spec := studytest.Toy(t, "undo")
				spec.Search.Scheduler, spec.Budget.Trials = scheduler, 12
				b := newBench(t, studytest.Quadratic)
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
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, how := range []string{"workflow", "local"} {
		t.Run(how, func(t *testing.T) {
			spec := studytest.Toy(t, "ended")
			spec.Budget.Trials = 8
			b := newBench(t, studytest.WrongAtFirst)
			go1 := func(b *bench) (r study.Result, records []search.Record) {
				if how == "workflow" {
					return b.run(t, spec)
				}
				r, err := study.Local(t.Context(), spec, b.store.Recorder, b.train.Runner, b.train.Objective)
				if err != nil {
					t.Fatal(err)
				}
				return r, b.Records(t, spec.Name)
			}
			if r, _ := go1(b); r.Best > 1 {
				t.Fatalf("best %d", r.Best)
			}
			if _, err := b.store.SetAside(t.Context(), spec.Name, []int{0, 1}, "a mistake"); err != nil {
				t.Fatal(err)
			}
			spec.Budget.Trials = 16
			again := newBench(t, studytest.WrongAtFirst)
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
