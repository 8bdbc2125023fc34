package search_test

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
)

// A point's front is one more than the worst front among those that dominate it.
func TestFrontsByDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, m := rapid.IntRange(0, 30).Draw(t, "points"), rapid.IntRange(1, 4).Draw(t, "objectives")
		losses := make([][]float64, n)
		for i := range losses {
			for range m {
				losses[i] = append(losses[i], float64(rapid.IntRange(0, 5).Draw(t, "loss")))
			}
		}
		rank := make([]int, n)
		seen := 0
		for k, front := range search.Fronts(losses) {
			for _, i := range front {
				rank[i] = k
				seen++
			}
		}
		if seen != n {
			t.Fatalf("%d of %d points are in fronts", seen, n)
		}
		for i := range losses {
			want := 0
			for j := range losses {
				if search.Dominates(losses[j], losses[i]) {
					want = max(want, rank[j]+1)
				}
			}
			if rank[i] != want {
				t.Fatalf("point %d is in front %d, want %d: %v", i, rank[i], want, losses)
			}
		}
	})
}

func tried(id int, state search.State, budget int, loss, wh float64) search.Record {
	return search.Record{Trial: search.Trial{ID: id}, State: state,
		Measurements: []search.Measurement{{Budget: budget, Metrics: search.Metrics{"loss": loss, "wh": wh}}}}
}

func onFront(f search.Front) (out []int) {
	for _, t := range f.Trials {
		out = append(out, t.Trial)
	}
	return out
}

var lossAndEnergy = []search.Objective{{Metric: "loss", Goal: search.Minimize}, {Metric: "wh", Goal: search.Minimize}}

// A trial that was stopped early has spent less: that puts it on no front beside
// trials that were trained to the end.
func TestFrontComparesWhatIsTrainedEquallyFar(t *testing.T) {
	all := []search.Record{
		tried(0, search.Completed, 27, .2, 9),
		tried(1, search.Stopped, 3, .9, 1),    // the cheapest, because it was stopped
		tried(2, search.Completed, 11, .3, 4), // no longer improved: that is its end
		tried(3, search.Completed, 27, .3, 10),
		tried(4, search.Paused, 9, .1, 3),
		tried(5, search.Diverged, 27, 0, 0),
		tried(6, search.Stopped, 27, .1, 12), // stopped by its user, but as far as any
		{Trial: search.Trial{ID: 7}, State: search.Running},
	}
	f := search.ParetoFront(all, lossAndEnergy)
	if got, want := onFront(f), []int{6, 0, 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("the front is %v, want %v", got, want)
	}
	if f.Compared != 4 || f.Early != 1 || f.Open != 1 || f.Budget != 27 || f.Trials[2].Budget != 11 {
		t.Errorf("%+v", f)
	}
	if s := f.String(); !strings.Contains(s, "of 4 trained to the end (27 epochs") || !strings.Contains(s, "not compared: 1 stopped before, 1 on their way") {
		t.Error(s)
	}
	// Nothing is completed: those that came the furthest are compared.
	f = search.ParetoFront([]search.Record{all[1], tried(2, search.Paused, 9, .5, 5), tried(8, search.Stopped, 9, .6, 2)}, lossAndEnergy)
	if got, want := onFront(f), []int{2, 8}; !reflect.DeepEqual(got, want) || f.Early != 1 || f.Open != 0 {
		t.Errorf("the front is %+v, want %v", f, want)
	}
	if f = search.ParetoFront(nil, lossAndEnergy); f.Compared != 0 || f.Trials != nil {
		t.Errorf("%+v of nothing", f)
	}
}

// What was evaluated with shared weights does not stand beside what was trained with
// its own weights; if no trial was trained with its own, they are compared.
func TestFrontOfSharedWeights(t *testing.T) {
	evaluated := func(id int, loss, wh float64) search.Record {
		r := tried(id, search.Completed, 40, loss, wh)
		r.Measurements[0].Metrics[search.SharedEpochs] = 40
		return r
	}
	all := []search.Record{tried(0, search.Completed, 40, .5, 9), evaluated(1, .4, 3), evaluated(2, .1, 5), evaluated(3, .2, 6)}
	if got, want := onFront(search.ParetoFront(all, lossAndEnergy)), []int{2, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("the front of the evaluated is %v, want %v", got, want)
	}
	all = append(all, tried(4, search.Completed, 10, .3, 5), tried(5, search.Completed, 10, .25, 7))
	f := search.ParetoFront(all, lossAndEnergy)
	if got, want := onFront(f), []int{5, 4}; !reflect.DeepEqual(got, want) || f.Shared != 4 {
		t.Errorf("the front is %+v, want %v", f, want)
	}
}
