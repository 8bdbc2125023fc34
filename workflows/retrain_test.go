package workflows

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
)

func retrainSpec(t testing.TB) *study.Spec {
	s := studytest.Toy(t, "again")
	s.Budget.Trials, s.Retrain = 12, study.Retrain{Best: 2, Epochs: 20}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	return s
}

// retrained are the trials that were trained again, checked against the search.
func retrained(t *testing.T, all []search.Record, goal search.Objective) []search.Record {
	t.Helper()
	var out []search.Record
	for _, r := range all {
		if len(r.Source) < 8 || r.Source[:8] != "retrain " {
			continue
		}
		m, ok := r.Last()
		if r.State != search.Completed || !ok || m.Budget != 20 {
			t.Errorf("%s is %s after %v", r.Name(), r.State, m)
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		t.Fatal("nothing was trained again")
	}
	for _, s := range all {
		best, _ := out[0].Loss(goal) // the studytest.Quadratic falls with the epochs
		if l, ok := s.Loss(goal); ok && l < best {
			t.Errorf("%s with %v is not the best: %s has %v", out[0].Name(), best, s.Name(), l)
		}
	}
	return out
}

func TestTheBestAreTrainedAgain(t *testing.T) {
	spec := retrainSpec(t)
	durable := newBench(t, studytest.Quadratic)
	got, records := durable.twin(t, spec, newBench(t, studytest.Quadratic))
	again := retrained(t, records, spec.Objective)
	if len(again) != 2 || len(records) != 14 || got.Best != again[0].ID {
		t.Errorf("%d trials, %d of them trained again, the best is t%d", len(records), len(again), got.Best)
	}

	// Run once more it repeats nothing; with a larger budget it goes on behind.
	spec.Budget.Trials = 16
	more := newBench(t, studytest.Quadratic)
	more.store.Store, more.train.Runner = durable.store.Store, durable.train.Runner
	_, records = more.run(t, spec)
	for i, r := range records {
		if r.ID != i || !r.State.Ended() {
			t.Errorf("trial %d is %s: %s", i, r.Name(), r.State)
		}
	}
	if n := len(records); n < 18 || n > 20 {
		t.Errorf("%d trials, want 16 of the search and 2 to 4 trained again", n)
	}
}

// A time budget ends the search; the best are trained all the same.
func TestTimeEndsTheSearchAlone(t *testing.T) {
	spec := retrainSpec(t)
	spec.Search.Scheduler = "none"
	spec.Budget.Time = study.Duration(5500 * time.Millisecond)
	b := newBench(t, studytest.Quadratic)
	b.slow(time.Second)
	_, records := b.run(t, spec)
	if again := retrained(t, records, spec.Objective); len(again) != 2 || len(records) > 10 {
		t.Errorf("%d trials, %d of them trained again", len(records), len(again))
	}
}

// A study that asks for retraining once its search is over trains the best of all its
// trials again, and one that asks for more of them the next best.
func TestRetrainAsLaterThought(t *testing.T) {
	spec := retrainSpec(t)
	spec.Retrain = study.Retrain{}
	b := newBench(t, studytest.Quadratic)
	b.run(t, spec)
	for _, best := range []int{1, 3} {
		spec := retrainSpec(t)
		spec.Budget.Trials++ // those of now are worse than the best of before, or better
		spec.Retrain.Best = best
		more := newBench(t, studytest.Quadratic)
		more.store.Store, more.train.Runner = b.store.Store, b.train.Runner
		_, records := more.run(t, spec)
		again := retrained(t, records, spec.Objective)
		if len(again) != best {
			t.Errorf("%d trials were trained again, want %d", len(again), best)
		}
		want := []search.Record{}
		for _, r := range records {
			if _, ok := r.Loss(spec.Objective); ok && r.Source[:min(8, len(r.Source))] != "retrain " {
				want = append(want, r)
			}
		}
		slices.SortStableFunc(want, func(a, b search.Record) int {
			x, _ := a.Loss(spec.Objective)
			y, _ := b.Loss(spec.Objective)
			return cmp.Compare(x, y)
		})
		for i, r := range again {
			if !maps.Equal(r.Params, want[i].Params) {
				t.Errorf("%s has the params %v, want those of %s: %v", r.Name(), r.Params, want[i].Name(), want[i].Params)
			}
		}
	}
}
