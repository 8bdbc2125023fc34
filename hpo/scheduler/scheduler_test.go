package scheduler

import (
	"testing"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestNoStopping(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &NoStopping{Max: 9} })
}

func TestASHA(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Max: 27} })
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Min: 2, Max: 16, Eta: 2, Goal: search.Maximize} })
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{} })
}

func TestASHAStopping(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Max: 27, Stopping: true} })
}

func TestHyperband(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &Hyperband{Max: 27} })
	searchtest.Scheduler(t, func() search.Scheduler { return &Hyperband{Max: 27, Stopping: true} })
}

func TestSuccessiveHalving(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &SuccessiveHalving{Max: 27} })
	searchtest.Scheduler(t, func() search.Scheduler { return &SuccessiveHalving{Max: 27, Size: 5, Goal: search.Maximize} })
}

func TestMedianStopping(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &MedianStopping{Max: 27} })
}

func TestPlateau(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &Plateau{Max: 27} })
	searchtest.Scheduler(t, func() search.Scheduler {
		return &Plateau{Min: 5, Max: 27, Every: 2, Patience: 3, MinDelta: .1, Goal: search.Maximize}
	})
}

func TestExtrapolation(t *testing.T) {
	t.Parallel()
	searchtest.Scheduler(t, func() search.Scheduler { return &Extrapolation{Max: 27} })
	searchtest.Scheduler(t, func() search.Scheduler {
		return &Extrapolation{Min: 2, Max: 9, Chance: .4, Points: 1, Peers: 1, Goal: search.Maximize}
	})
}

func TestSeveralObjectives(t *testing.T) {
	t.Parallel()
	also := []search.Goal{search.Maximize}
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Max: 27, Also: also} })
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Max: 27, Also: also, Stopping: true} })
	searchtest.Scheduler(t, func() search.Scheduler { return &Hyperband{Max: 27, Also: also} })
	searchtest.Scheduler(t, func() search.Scheduler { return &SuccessiveHalving{Max: 27, Also: also} })
}
