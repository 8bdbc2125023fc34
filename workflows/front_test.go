package workflows

import (
	"context"
	"testing"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials"
)

// A study with two objectives keeps the weights of its whole front, and of as many of
// the best as keep says, on Temporal as on goroutines.
func TestStudyKeepsItsFront(t *testing.T) {
	spec := studytest.Toy(t, "front")
	spec.Search.Sampler, spec.Search.Parallel, spec.Keep = "random", 1, 3
	spec.Also = []search.Objective{{Metric: "size"}}
	if err := spec.Complete(); err != nil {
		t.Fatal(err)
	}
	objective := func(ctx context.Context, tr *trials.Trial) error {
		x := tr.Params["x"].(float64)
		m := &studytest.Model{}
		if err := tr.Keep(m); err != nil {
			return err
		}
		for range tr.Epochs() {
			m.Epochs++
			tr.ReportAll(search.Metrics{"loss": (x-1)*(x-1) + 1/float64(m.Epochs), "size": x * x})
		}
		return nil
	}
	kept := func(b *bench, records []search.Record) map[string]bool {
		t.Helper()
		front := search.ParetoFront(records, spec.Objectives())
		if len(front.Trials) < 2 {
			t.Fatalf("a front of %+v: nothing to test", front)
		}
		list, err := b.train.Runner.Blobs.List(t.Context(), trials.StudyKey(spec.Name))
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, blob := range list {
			out[blob.Key] = true
		}
		for _, p := range front.Trials {
			if key := trials.EndKey(spec.Name, p.Trial, p.Budget); !out[key] {
				t.Errorf("%s is on the front, but %s is not kept: %v", search.TrialName(p.Trial), key, out)
			}
		}
		if n := len(out); n < len(front.Trials) || n > len(front.Trials)+3+10 { // and of those that would go on
			t.Errorf("%d checkpoints are kept for a front of %d", n, len(front.Trials))
		}
		return out
	}
	durable, local := newBench(t, objective), newBench(t, objective)
	_, records := durable.run(t, spec)
	a := kept(durable, records)
	if _, err := study.Local(t.Context(), spec, local.store.Recorder, local.train.Runner, objective); err != nil {
		t.Fatal(err)
	}
	if b := kept(local, local.Records(t, spec.Name)); len(a) != len(b) {
		t.Errorf("on Temporal %v, on goroutines %v", a, b)
	}
}
