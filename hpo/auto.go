package hpo

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"budwood/search"
)

// Auto is the default sampler, a portfolio: for each trial it chooses a sampler
// by the space, by what the results are like and by how many there are, and
// [Auto.Explain] says which and why.
//
// A Gaussian process ([GP]) needs the fewest trials, so it proposes most of them.
// Once it has not found a better point for some time it may be misled by losses
// that do not depend smoothly on the params, and takes turns with a density of
// the good trials ([TPE]), which proposes most of them where the process takes the
// most of what the losses differ by for noise. Where a scheduler stops trials early TPE proposes all of
// them: it needs only their order, which results at different budgets share, and
// was measured to need half the budget of the process. With very many parameters or trials, where a process
// sees too little of them, [CMAES] takes turns too.
//
// With several objectives it is [EHVI] at first and then [MOTPE]. Where costs count,
// all but CMA-ES weigh the improvement against them, and that one is left out.
type Auto struct {
	Cost CostMetric // what a trial costs; "" means nothing

	mu   sync.Mutex
	memo memo
	gp   GP
	cma  CMAES
	ehvi EHVI
}

var (
	_ search.Sampler   = (*Auto)(nil)
	_ search.Explainer = (*Auto)(nil)
)

// Limits of what the process alone is trusted with.
const (
	autoMostDims   = 60
	autoMostTrials = 1000
	autoIdle       = 8 // results without a better one

	autoMostSeveral = 200 // results, of several objectives
)

// Propose returns points of the samplers chosen.
func (a *Auto) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []search.Params
	one := req
	one.N = 1
	one.Past = req.Past[:len(req.Past):len(req.Past)]
	for one.First = req.First; one.First < req.First+req.N; one.First++ {
		known := a.memo.read(one)
		s, _ := a.choose(one, known)
		var p []search.Params
		var err error
		switch s := s.(type) { // the past is not read twice
		case *GP:
			p, err = s.propose(one, known, a.memo.repeats)
		case TPE:
			p, err = s.proposeFrom(one, known, a.memo.repeats)
		default:
			p, err = s.Propose(ctx, one)
		}
		if len(p) == 0 {
			if len(out) > 0 {
				err = nil
			}
			return out, err
		}
		out = append(out, p[0])
		one.Past = append(one.Past, search.Record{Trial: search.Trial{ID: one.First, Params: p[0]}, State: search.Running})
	}
	return out, nil
}

// Explain says which sampler proposes the first trial of a request, and why.
func (a *Auto) Explain(req search.Request) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.memo.read(req)
	s, why := a.choose(req, known)
	switch s := s.(type) {
	case *GP:
		return s.explain(req, known, a.memo.repeats)
	case *EHVI:
		return s.Explain(req)
	}
	return why
}

func (a *Auto) choose(req search.Request, p past) (search.Sampler, string) {
	a.gp.Cost, a.ehvi.Cost = a.Cost, a.Cost
	dims := len(req.Space.Dims())
	switch {
	case len(req.Objectives) > 1:
		return a.several(req, p)
	}
	n := len(p.ranked)
	if dims == 0 {
		return Random{}, "random: there is nothing to choose"
	}
	if !a.gp.ready(p, dims) {
		return &a.gp, fmt.Sprintf("quasi: an even start, %d of %d results", n, startup(dims))
	}
	if 5*p.cut > n {
		return TPE{Cost: a.Cost}, fmt.Sprintf("tpe: %d of %d results are of trials that were not trained to the end", p.cut, n)
	}
	idle := stale(p)
	switch turn := req.First % 4; {
	case a.Cost == "" && dims > autoMostDims && turn%2 == 1:
		return &a.cma, fmt.Sprintf("cmaes: every other trial in a space of %d parameters", dims)
	case a.Cost == "" && n > autoMostTrials && turn == 1:
		return &a.cma, fmt.Sprintf("cmaes: every 4th trial after %d results", n)
	case turn != 3 && a.gp.noiseDominates(req, p):
		return TPE{Cost: a.Cost}, fmt.Sprintf("tpe: three of four trials, as a Gaussian process takes what %d results differ by for noise", n)
	case turn == 2 && idle >= autoIdle:
		return TPE{Cost: a.Cost}, fmt.Sprintf("tpe: every 4th trial, as nothing was better in the last %d of %d results", idle, n)
	case turn == 0 && idle >= 3*autoIdle:
		return TPE{Cost: a.Cost}, fmt.Sprintf("tpe: every other trial, as nothing was better in the last %d of %d results", idle, n)
	}
	return &a.gp, fmt.Sprintf("gp: %d results over %d parameters", n, dims)
}

// several chooses for more than one objective: expected improvements of the
// hypervolume need the fewest trials, and a time that grows with them.
func (a *Auto) several(req search.Request, p past) (search.Sampler, string) {
	m, n := len(req.Objectives), len(p.ranked)
	switch {
	case m > 3:
		return MOTPE{Cost: a.Cost}, fmt.Sprintf("motpe: %d objectives", m)
	case len(req.Space.Dims()) > autoMostDims:
		return MOTPE{Cost: a.Cost}, fmt.Sprintf("motpe: %d objectives over %d parameters", m, len(req.Space.Dims()))
	case 5*p.cut > n:
		return MOTPE{Cost: a.Cost}, fmt.Sprintf("motpe: %d of %d results are of trials that were not trained to the end", p.cut, n)
	case n > autoMostSeveral:
		return MOTPE{Cost: a.Cost}, fmt.Sprintf("motpe: %d objectives, more than %d results", m, autoMostSeveral)
	}
	return &a.ehvi, fmt.Sprintf("ehvi: %d objectives, %d results", m, n)
}

// stale is the number of results since the best one.
func stale(p past) int {
	best := p.ranked[0]
	i, _ := slices.BinarySearchFunc(p.results, best, func(a, b ranked) int { return a.record - b.record })
	return len(p.results) - 1 - i
}
