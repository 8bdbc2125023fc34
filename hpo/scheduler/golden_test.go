package scheduler

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"budwood/hpo"
	"budwood/internal/golden"
	"budwood/search"
	"budwood/search/searchtest"
)

// logged writes down what a scheduler decides.
type logged struct {
	search.Scheduler
	log *strings.Builder
}

func (l logged) Step(e search.Event) []search.Action {
	actions := l.Scheduler.Step(e)
	for _, a := range actions {
		switch a := a.(type) {
		case search.Start:
			fmt.Fprintf(l.log, "%s start  to %d", search.TrialName(a.Trial), a.Budget)
			if a.Bracket > 0 {
				fmt.Fprintf(l.log, " in bracket %d", a.Bracket)
			}
			fmt.Fprintln(l.log)
		case search.Resume:
			fmt.Fprintf(l.log, "%s resume to %d: %s\n", search.TrialName(a.Trial), a.Budget, a.Reason)
		case search.Stop:
			what := "stop  "
			if a.Completed {
				what = "done  "
			}
			fmt.Fprintf(l.log, "%s %s %s\n", search.TrialName(a.Trial), what, a.Reason)
		}
	}
	return actions
}

// Whole studies of accuracies that grow with the budget; one trial diverges and
// two stop early by themselves.
func TestSchedulersDecideAsBefore(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]search.Scheduler{
		"full":         &NoStopping{Max: 27},
		"asha":         &ASHA{Max: 27, Goal: search.Maximize},
		"ashastopping": &ASHA{Max: 27, Goal: search.Maximize, Stopping: true},
		"halving":      &SuccessiveHalving{Max: 9, Goal: search.Maximize},
		"hyperband":    &Hyperband{Max: 27, Goal: search.Maximize},
		"median":       &MedianStopping{Max: 16, Goal: search.Maximize},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			x := search.Float("x", 0, 1)
			r, err := searchtest.Simulate(searchtest.Simulation{
				Space:      search.Space{x},
				Objectives: []search.Objective{{Metric: "accuracy", Goal: search.Maximize}},
				Sampler:    hpo.Halton{}, Scheduler: logged{s, &log}, Trials: 27, Parallel: 3, Seed: 1,
				Objective: func(trial int, p search.Params, from, to int) ([]float64, float64, search.State) {
					seconds := float64(to-from) * (1 + x.In(p))
					accuracy := 1 - .6*math.Abs(x.In(p)-.7) - .4/math.Sqrt(float64(to))
					switch {
					case trial == 5:
						return nil, seconds, search.Diverged
					case (trial == 8 || trial == 13) && to > 1:
						return []float64{accuracy}, seconds / 2, search.Completed
					}
					return []float64{accuracy}, seconds, search.Paused
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range r.Records {
				if !rec.State.Ended() {
					t.Errorf("%s is %s", rec.Name(), rec.State)
				}
			}
			fmt.Fprintf(&log, "%d epochs in %.1f s; best %.4f by %s\n", r.Budget, r.Seconds, r.Best().Value, search.TrialName(r.Best().Trial))
			golden.File(t, name+".golden", log.String())
		})
	}
}
