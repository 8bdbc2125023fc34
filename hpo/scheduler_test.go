package hpo

import (
	"testing"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestFull(t *testing.T) {
	searchtest.Scheduler(t, func() search.Scheduler { return &Full{Max: 9} })
}

func TestASHA(t *testing.T) {
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Max: 27} })
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Min: 2, Max: 16, Eta: 2, Goal: search.Maximize} })
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{} })
}

func TestASHAStopping(t *testing.T) {
	searchtest.Scheduler(t, func() search.Scheduler { return &ASHA{Max: 27, Stopping: true} })
}

func TestHyperband(t *testing.T) {
	searchtest.Scheduler(t, func() search.Scheduler { return &Hyperband{Max: 27} })
	searchtest.Scheduler(t, func() search.Scheduler { return &Hyperband{Max: 27, Stopping: true} })
}

func TestSuccessiveHalving(t *testing.T) {
	searchtest.Scheduler(t, func() search.Scheduler { return &SuccessiveHalving{Max: 27} })
	searchtest.Scheduler(t, func() search.Scheduler { return &SuccessiveHalving{Max: 27, Size: 5, Goal: search.Maximize} })
}

func TestMedianStopping(t *testing.T) {
	searchtest.Scheduler(t, func() search.Scheduler { return &MedianStopping{Max: 27} })
}
