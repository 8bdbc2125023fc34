package scheduler

import (
	"math"
	"strings"
	"testing"

	"budwood/hpo"
	"budwood/search"
	"budwood/search/searchtest"
)

func TestLearningASHA(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Max: 27, Learn: true} })
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Min: 2, Max: 16, Eta: 2, Goal: search.Maximize, Learn: true} })
}

// learned runs trials whose curves turn over, or do not, and returns the scheduler and
// what it said.
func learned(t *testing.T, trials int, curve func(x float64, budget int) float64) (*ASHA, []string) {
	t.Helper()
	a := &ASHA{Max: 27, Learn: true}
	x := search.Float("x", 0, 1)
	var said []string
	log := watched{a, &said}
	_, err := searchtest.Simulate(searchtest.Simulation{
		Space: search.Space{x}, Objectives: []search.Objective{{Metric: "loss"}}, Sampler: hpo.Halton{}, Scheduler: log, Trials: trials,
		Objective: func(_ int, at search.Params, _, to int) ([]float64, float64, search.State) {
			return []float64{curve(x.In(at), to)}, 1, search.Paused
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a, said
}

// watched keeps the reasons of what is resumed.
type watched struct {
	*ASHA
	said *[]string
}

func (w watched) Step(e search.Event) []search.Action {
	out := w.ASHA.Step(e)
	for _, a := range out {
		if r, ok := a.(search.Resume); ok {
			*w.said = append(*w.said, r.Reason)
		}
	}
	return out
}

// Where the first epochs say what the last ones do, rungs stay as they are; where the
// order turns over, trials begin at the rung from which it holds, and it is said why.
func TestASHALearnsWhatRungsAreWorth(t *testing.T) {
	straight := func(x float64, budget int) float64 { return x + 1/float64(budget) }
	turns := func(after int) func(float64, int) float64 {
		return func(x float64, budget int) float64 {
			if budget < after {
				return 2 - x
			}
			return x
		}
	}
	for _, c := range []struct {
		name  string
		curve func(float64, int) float64
		first int
		says  string
	}{
		{"straight", straight, 0, ""},
		{"turns after 1 epoch", turns(2), 1, "the ranks at 1 and 9 epochs"},
		{"turns after 3 epochs", turns(4), 2, "the ranks at 3 and 9 epochs"},
	} {
		a, said := learned(t, 40, c.curve)
		if got := a.first(); got != c.first {
			t.Errorf("%s: trials begin in rung %d, want %d", c.name, got, c.first)
		}
		text := strings.Join(said, "\n")
		if !strings.Contains(text, "to show what the lower rungs are worth") || c.says != "" && !strings.Contains(text, c.says) || c.says == "" && strings.Contains(text, "says too little") {
			t.Errorf("%s: %s", c.name, text)
		}
		if c.first > 0 { // the best of all goes on to the end
			best := math.Inf(1)
			for _, p := range a.Rungs[3].Peers {
				best = min(best, p.Values[0])
			}
			if best > .1 {
				t.Errorf("%s: the best that was trained to the end has %g", c.name, best)
			}
		}
	}
	if n := len((&ASHA{Max: 27}).Probes); n != 0 {
		t.Error(n)
	}
}

func TestSpearman(t *testing.T) {
	for _, c := range []struct {
		x, y []float64
		want float64
	}{
		{[]float64{1, 2, 3, 4}, []float64{10, 20, 25, 90}, 1},
		{[]float64{1, 2, 3, 4}, []float64{4, 3, 2, 1}, -1},
		{[]float64{1, 2, 3, 4, 5}, []float64{2, 1, 4, 3, 5}, .8},
		{[]float64{1, 1, 1}, []float64{1, 2, 3}, 0},
		{[]float64{1, 1, 2}, []float64{1, 2, 3}, .8660254037844386},
	} {
		if got := search.Spearman(c.x, c.y); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v, %v: %g, want %g", c.x, c.y, got, c.want)
		}
	}
}
