package study

import (
	"budwood/hpo/scheduler"
	"budwood/search"
)

// Schedulers are the schedulers of all studies.
var Schedulers = Methods{
	{Name: "asha", Is: "pauses trials at rungs (27 epochs: 1, 3, 9, 27); the best third of a rung continues as soon as possible", When: "nearly always (the default)",
		Several: true, Keys: []string{"search.eta", "search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.ASHA{Min: s.Search.Min, Max: s.Budget.Epochs, Eta: s.Search.Eta, Goal: s.Objective.Goal, Also: s.alsoGoals()}
		}},
	{Name: "hyperband", Is: "runs several ladders of rungs, some of which begin at larger budgets",
		When:    "you know that the first epochs say little about the end. Where they do say enough, it needs about three times the budget",
		Several: true, Keys: []string{"search.eta", "search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.Hyperband{Min: s.Search.Min, Max: s.Budget.Epochs, Eta: s.Search.Eta, Goal: s.Objective.Goal, Also: s.alsoGoals()}
		}},
	{Name: "halving", Aliases: []string{"successive_halving"}, Is: "as `asha`, in rounds whose trials wait for each other",
		When:    "trials take about the same time, and results must not depend on the order in which they arrive",
		Several: true, Keys: []string{"search.eta", "search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.SuccessiveHalving{Min: s.Search.Min, Max: s.Budget.Epochs, Eta: s.Search.Eta, Goal: s.Objective.Goal, Also: s.alsoGoals()}
		}},
	{Name: "median", Is: "stops trials that are worse than the median at a rung", When: "few trials should be stopped: about half of them continue at each rung",
		Keys: []string{"search.eta", "search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.MedianStopping{Min: s.Search.Min, Max: s.Budget.Epochs, Eta: s.Search.Eta, Goal: s.Objective.Goal}
		}},
	{Name: "plateau", Is: "stops trials that no longer improve, without comparing them with others", When: "the best result of every trial matters, for example for an ensemble",
		scheduler: func(s *Spec) ladder {
			return &scheduler.Plateau{Max: s.Budget.Epochs, Goal: s.Objective.Goal}
		}},
	{Name: "extrapolation", Is: "extrapolates learning curves, and stops trials that will hardly beat the best one", When: "there are few trials of many epochs, their curves are smooth, and segments are cheap to start",
		Keys: []string{"search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.Extrapolation{Min: s.Search.Min, Max: s.Budget.Epochs, Goal: s.Objective.Goal}
		}},
	{Name: "none", Is: "trains every trial to the end", When: "the number of epochs is part of the question, or the objective reports once",
		Several: true, scheduler: func(s *Spec) ladder {
			return &scheduler.NoStopping{Max: s.Budget.Epochs, First: s.Search.Supernet != ""}
		}},
}

// alsoGoals are the goals of the further objectives.
func (s *Spec) alsoGoals() (out []search.Goal) {
	for _, o := range s.Also {
		out = append(out, o.Goal)
	}
	return out
}
