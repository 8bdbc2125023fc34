package study_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"budwood/engine"
	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
	"budwood/trials/segment"
)

// A network that several ranks train comes to the same as one does, to the last bit of
// its checkpoint: with rungs, early ends, and the optimizer's state shared out.
func TestRanksTrainTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	train := func(name string, ranks engine.Ranks, zero, pipeline int) (map[int][]byte, []search.Record) {
		spec := studytest.Digits(t, "ranks", func(s *study.Spec) {
			s.Search.Scheduler, s.Search.Sampler, s.Keep = "asha", "random", 4
			s.Budget = study.Budget{Trials: 4, Epochs: 3}
			s.Mesh = engine.Mesh{Data: 3, MicroBatches: 2, Ranks: ranks, Zero: zero, Pipeline: pipeline}
		})
		b := studytest.New(t, nil)
		b.Runner.Every = 1 // a checkpoint after each epoch
		if _, err := study.Local(t.Context(), spec, b.Recorder, b.Runner, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		files := map[int][]byte{}
		for _, r := range b.Stored(t, spec.Name) {
			last, ok := r.Last()
			if !ok {
				t.Fatalf("%s: %s is %s: %s", name, r.Name(), r.State, r.Reason)
			}
			for _, to := range []int{1, 3} {
				c, err := trials.OpenCheckpoint(t.Context(), b.Runner.Blobs, trials.EndKey(spec.Name, r.ID, to))
				if err != nil {
					continue // it was not kept
				}
				all, err := io.ReadAll(c.Model())
				c.Close()
				if err != nil {
					t.Fatal(err)
				}
				files[r.ID] = all
			}
			if len(files[r.ID]) == 0 && last.Budget == 3 {
				t.Errorf("%s: no checkpoint of %s", name, r.Name())
			}
			if n := len(r.Notes); (n > 0) != ranks.Several() || n > 0 && !(segment.Measured(r.Notes[n-1]) && strings.Contains(r.Notes[n-1], " a step (predicted ") && strings.Contains(r.Notes[n-1], ", bubble ") == (pipeline > 0)) {
				t.Errorf("%s: the notes of %s are %q", name, r.Name(), r.Notes)
			}
			if !(r.Joules > 0) {
				t.Errorf("%s: %s has spent %v J", name, r.Name(), r.Joules)
			}
		}
		return files, b.Records(t, spec.Name)
	}
	want, records := train("one rank", engine.Ranks{}, 0, 0)
	if len(want) == 0 {
		t.Fatal("there are no checkpoints")
	}
	for _, c := range []struct {
		name           string
		ranks          engine.Ranks
		zero, pipeline int
	}{{"two ranks", engine.Ranks{Min: 2, Max: 2}, 0, 0}, {"three ranks", engine.Ranks{Min: 3, Max: 3}, 1, 0}, {"two stages", engine.Ranks{Min: 4, Max: 4}, 1, 2}} {
		got, list := train(c.name, c.ranks, c.zero, c.pipeline)
		if diff := cmp.Diff(records, list); diff != "" {
			t.Errorf("(-one rank +%s): %s", c.name, diff)
		}
		for id, file := range want {
			if !bytes.Equal(file, got[id]) {
				t.Errorf("%s: the checkpoint of %s differs", c.name, search.TrialName(id))
			}
		}
	}
}
