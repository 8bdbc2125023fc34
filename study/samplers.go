package study

import (
	"budwood/hpo"
	"budwood/nas"
	"budwood/search"
)

// Samplers are the samplers of hyperparameters.
var Samplers = Methods{
	{Name: "auto", Is: "chooses one of the other samplers for each trial, and says why", When: "you have no reason for another (the default)",
		Several: true, Learns: true, Costs: true, sampler: costing(func(c hpo.CostMetric) search.Sampler { return &hpo.Auto{Cost: c} })},
	{Name: "gp", Is: "Gaussian process, log expected improvement", When: "every trial is trained to the end and costs minutes or more, up to a few thousand trials",
		Learns: true, Costs: true, sampler: costing(func(c hpo.CostMetric) search.Sampler { return &hpo.GP{Cost: c} })},
	{Name: "tpe", Is: "densities of good and bad trials, over all parameters together; knows branches", When: "trials are stopped early, the space has branches, trials fail a lot, or there are very many",
		Learns: true, Costs: true, sampler: costing(func(c hpo.CostMetric) search.Sampler { return hpo.TPE{Cost: c} })},
	{Name: "cmaes", Is: "CMA-ES with margin", When: "10 to 100 numeric parameters, narrow valleys, and at least a few hundred trials",
		Learns: true, sampler: plainly(func() search.Sampler { return &hpo.CMAES{} })},
	{Name: "evolution", Is: "ages and mutates a population", When: "there is nothing smooth to learn from: many choices, unusual objectives",
		Learns: true, sampler: plainly(func() search.Sampler { return hpo.Evolution{} })},
	{Name: "nsga2", Is: "several objectives: a population, its best fronts first", When: "`also:` names further objectives, and there are thousands of trials",
		Several: true, Learns: true, sampler: plainly(func() search.Sampler { return hpo.NSGA2{} })},
	{Name: "motpe", Is: "several objectives: densities, as `tpe`", When: "`also:` names further objectives; `auto` is `motpe` from 200 results on",
		Several: true, Learns: true, Costs: true, sampler: costing(func(c hpo.CostMetric) search.Sampler { return hpo.MOTPE{Cost: c} })},
	{Name: "ehvi", Is: "several objectives: expected improvement of the dominated volume", When: "`also:` names one or two further objectives; `auto` is `ehvi` up to 200 results",
		Several: true, Learns: true, Costs: true, sampler: costing(func(c hpo.CostMetric) search.Sampler { return &hpo.EHVI{Cost: c} })},
	{Name: "random", Is: "independent points of the prior", When: "a baseline",
		Several: true, sampler: plainly(func() search.Sampler { return hpo.Random{} })},
	{Name: "grid", Is: "tries every combination", When: "the space is finite and small, and all of it should be tried",
		Several: true, sampler: plainly(func() search.Sampler { return hpo.Grid{} })},
	{Name: "sobol", Is: "points spread evenly (Sobol)", When: "you want an overview of the whole space, or importances without a sampler's bias",
		Several: true, sampler: plainly(func() search.Sampler { return hpo.Sobol{} })},
	{Name: "quasi", Aliases: []string{"halton"}, Is: "points spread evenly (Halton)", When: "as `sobol`; the points are even after any number of trials",
		Several: true, sampler: plainly(func() search.Sampler { return hpo.Halton{} })},
}

// ArchitectureSamplers are the samplers of a study with an architecture.
var ArchitectureSamplers = Methods{
	{Name: "evolution", Is: "ages and mutates a population of networks", When: "you have no reason for another (the default)",
		Learns: true, Derives: true, sampler: evolving},
	{Name: "local", Is: "untried neighbours of the best network, then of the second and the third best", When: "about fifty trials ([benchmarks](benchmarks/nas.md))",
		Learns: true, Derives: true, sampler: overNetworks(func(space *nas.Space, share sharing) search.Sampler {
			return nas.LocalSearch{Space: space, First: share(4, 5, 10)}
		})},
	{Name: "predictor", Is: "trains what an ensemble predicts to be good", When: "a hundred trials or more ([benchmarks](benchmarks/nas.md))",
		Learns: true, Derives: true, sampler: overNetworks(func(space *nas.Space, share sharing) search.Sampler {
			return nas.Predictor{Space: space, First: share(4, 5, 20)}
		})},
	{Name: "nsga2", Is: "several objectives: a population of networks, its best fronts first", When: "`also:` names further objectives (the default there)",
		Several: true, Learns: true, Derives: true, sampler: overNetworks(func(space *nas.Space, share sharing) search.Sampler {
			return nas.NSGA2{Space: space, Population: share(6, 5, 10)}
		})},
	{Name: "nsga3", Is: "several objectives: a population spread along reference directions", When: "three objectives or more",
		Several: true, Learns: true, Derives: true, sampler: overNetworks(func(space *nas.Space, share sharing) search.Sampler {
			return nas.NSGA3{Space: space, Population: share(6, 6, 20)}
		})},
	{Name: "random", Is: "independent networks of the grammar", When: "a baseline",
		Several: true, sampler: overNetworks(func(space *nas.Space, _ sharing) search.Sampler { return nas.Random{Space: space} })},
}

// plainly is a sampler without options in a study.
func plainly(f func() search.Sampler) func(*Spec) (search.Sampler, error) {
	return func(*Spec) (search.Sampler, error) { return f(), nil }
}

// costing is a sampler that weighs costs.
func costing(f func(hpo.CostMetric) search.Sampler) func(*Spec) (search.Sampler, error) {
	return func(s *Spec) (search.Sampler, error) { return f(s.Search.Cost), nil }
}

// sharing is one trial in so many, within bounds: a short study would be over before
// the usual population is there.
type sharing func(of, least, most int) int

// shareOf shares so many trials.
func shareOf(trials int) sharing {
	return func(of, least, most int) int { return min(max(trials/of, least), most) }
}

// overNetworks is a sampler over the study's space of architectures.
func overNetworks(f func(*nas.Space, sharing) search.Sampler) func(*Spec) (search.Sampler, error) {
	return func(s *Spec) (search.Sampler, error) {
		space, err := s.network()
		if err != nil {
			return nil, err
		}
		return s.sized(func(trials int) search.Sampler { return f(space, shareOf(trials)) }), nil
	}
}

func evolving(s *Spec) (search.Sampler, error) {
	space, err := s.network()
	if err != nil {
		return nil, err
	}
	var proxy nas.Proxy
	if s.Search.Proxy != "" {
		if proxy, err = space.Proxy(s.Search.Proxy); err != nil {
			return nil, err
		}
	}
	return s.sized(func(trials int) search.Sampler {
		return nas.Evolution{Space: space, Population: shareOf(trials)(3, 8, 30), Proxy: proxy}
	}), nil
}
