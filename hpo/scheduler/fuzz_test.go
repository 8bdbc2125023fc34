package scheduler

import (
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

// FuzzSchedulers plays studies to the end under schedulers of every kind, which are
// saved and loaded between events.
func FuzzSchedulers(f *testing.F) {
	searchtest.FuzzScheduler(f, func(t *rapid.T) search.Scheduler {
		least, most, eta := rapid.IntRange(-1, 9).Draw(t, "min"), rapid.IntRange(-1, 81).Draw(t, "max"), rapid.IntRange(-1, 5).Draw(t, "eta")
		goal := rapid.SampledFrom([]search.Goal{"", search.Minimize, search.Maximize}).Draw(t, "goal")
		yes := rapid.Bool().Draw(t, "yes")
		var also []search.Goal
		if rapid.Bool().Draw(t, "also") {
			also = []search.Goal{search.Maximize}
		}
		return []search.Scheduler{
			&NoStopping{Max: most},
			&ASHA{Min: least, Max: most, Eta: eta, Goal: goal, Stopping: yes, Also: also},
			&ASHA{Min: least, Max: most, Eta: eta, Goal: goal, Learn: true, Stopping: yes, Also: also},
			&Hyperband{Min: least, Max: most, Eta: eta, Goal: goal, Stopping: yes, Also: also},
			&SuccessiveHalving{Min: least, Max: most, Eta: eta, Goal: goal, Also: also},
			&MedianStopping{Min: least, Max: most, Goal: goal},
			&Plateau{Min: least, Max: most, Every: eta, Goal: goal},
			&Extrapolation{Min: least, Max: most, Points: eta, Peers: eta, Goal: goal},
		}[rapid.IntRange(0, 7).Draw(t, "scheduler")]
	})
}
