package workflows

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials/segment"
)

// best is the record of a study's best trial.
func best(t *testing.T, r study.Result, records []search.Record) search.Record {
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
				spec := studytest.Toy(t, "small")
				spec.Search.Scheduler, spec.Budget.Trials, spec.Search.Parallel = scheduler, trials, 2
				spec.Space = search.Space{search.Float("x", -3, 3)}
				r, records := newBench(t, studytest.Quadratic).run(t, spec)
				if b := best(t, r, records); b.State != search.Completed || b.Epochs() != 9 {
					t.Errorf("the best is %s, %s after %d epochs", b.Name(), b.State, b.Epochs())
				}
			})
		}
	}
	t.Run("two candidates", func(t *testing.T) {
		spec := studytest.Toy(t, "two")
		spec.Space, spec.Budget.Trials = search.Space{search.Choice("x", 1.5, 2.5)}, 10
		if err := spec.Complete(); err != nil {
			t.Fatal(err)
		}
		r, records := newBench(t, studytest.Quadratic).twin(t, spec, newBench(t, studytest.Quadratic))
		if b := best(t, r, records); len(records) != 2 || b.State != search.Completed || b.Params["x"] != 1.5 {
			t.Errorf("%d trials, the best is %s with %s", len(records), b.State, b.Params)
		}
	})
}

// A study that is enlarged ends as one that was larger from the beginning, whether
// it is a workflow or local: what was paused at a rung is paused again.
func TestEnlargedStudyEndsAsALargeOne(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, scheduler := range []string{"asha", "hyperband"} {
		spec := studytest.Toy(t, "grow")
		spec.Search.Scheduler = scheduler
		spec.Search.Sampler = "random" // what others propose depends on what they have seen
		spec.Budget.Trials = 20
		whole := newBench(t, studytest.Quadratic)
		r, large := whole.run(t, spec)
		goal := best(t, r, large)

		b, l := newBench(t, studytest.Quadratic), newBench(t, studytest.Quadratic)
		for _, n := range []int{6, 10, 20} {
			spec.Budget.Trials = n
			again := newBench(t, studytest.Quadratic)
			again.store.Store, again.train.Runner = b.store.Store, b.train.Runner
			r, grown := again.run(t, spec)
			local, err := study.Local(t.Context(), spec, l.store.Recorder, l.train.Runner, studytest.Quadratic)
			if err != nil {
				t.Fatal(err)
			}
			for _, list := range [][]search.Record{grown, l.Records(t, spec.Name)} {
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
			for _, got := range []search.Record{best(t, r, grown), best(t, local, l.Records(t, spec.Name))} {
				if diff := cmp.Diff(goal, got, cmp.Transformer("", func(r search.Record) []any { return []any{r.Trial, r.State, r.Measurements} })); diff != "" {
					t.Errorf("%s: the best (-large +grown): %s", scheduler, diff)
				}
			}
		}
	}
}

// Enough of the time is kept for the best trial.
func TestTimeIsKeptForTheBest(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	spec := studytest.Toy(t, "timed")
	spec.Budget.Trials, spec.Budget.Time, spec.Search.Batch = 1000, study.Duration(100*time.Second), 1
	b := newBench(t, studytest.Quadratic)
	b.env.OnActivity(trainSegments, mock.Anything, mock.Anything).After(time.Second).Return(func(ctx context.Context, in trainInput) ([]segment.Result, error) {
		out, err := b.train.train(ctx, in)
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
