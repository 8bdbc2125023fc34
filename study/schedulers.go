package study

import (
	"budwood/hpo/scheduler"
	"budwood/search"
)

// Schedulers are the schedulers of all studies.
var Schedulers = Methods{
	{Name: "asha", Is: "trials pause at rungs (27 epochs: 1, 3, 9, 27), the best third of a rung goes on as soon as it can", When: "nearly always (the default)",
		Several: true, Keys: []string{"search.eta", "search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.ASHA{Min: s.Search.Min, Max: s.Budget.Epochs, Eta: s.Search.Eta, Goal: s.Objective.Goal, Also: s.alsoGoals()}
		}},
	{Name: "hyperband", Is: "several ladders, some of which begin at larger budgets",
		When:    "the first epochs say little about the end, and you know it: it pays for that with about three times the budget where they do not mislead",
		Several: true, Keys: []string{"search.eta", "search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.Hyperband{Min: s.Search.Min, Max: s.Budget.Epochs, Eta: s.Search.Eta, Goal: s.Objective.Goal, Also: s.alsoGoals()}
		}},
	{Name: "halving", Aliases: []string{"successive_halving"}, Is: "as `asha`, in rounds whose trials wait for each other",
		When:    "trials take about the same time, and results must not depend on the order in which they arrive",
		Several: true, Keys: []string{"search.eta", "search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.SuccessiveHalving{Min: s.Search.Min, Max: s.Budget.Epochs, Eta: s.Search.Eta, Goal: s.Objective.Goal, Also: s.alsoGoals()}
		}},
	{Name: "median", Is: "stops what is worse than the median at a rung", When: "a gentle choice: half of the trials go on",
		Keys: []string{"search.eta", "search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.MedianStopping{Min: s.Search.Min, Max: s.Budget.Epochs, Eta: s.Search.Eta, Goal: s.Objective.Goal}
		}},
	{Name: "plateau", Is: "stops what no longer improves, whatever the others do", When: "every trial's own best matters, such as for an ensemble",
		scheduler: func(s *Spec) ladder {
			return &scheduler.Plateau{Max: s.Budget.Epochs, Goal: s.Objective.Goal}
		}},
	{Name: "extrapolation", Is: "stops what will hardly beat the best, by extrapolating its learning curve", When: "curves are smooth, segments cheap; few trials of many epochs",
		Keys: []string{"search.min_epochs"}, scheduler: func(s *Spec) ladder {
			return &scheduler.Extrapolation{Min: s.Search.Min, Max: s.Budget.Epochs, Goal: s.Objective.Goal}
		}},
	{Name: "none", Is: "trains everything to the end", When: "the number of epochs is part of the question, or the objective reports once",
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
