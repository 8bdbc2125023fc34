package hpo

import (
	"context"
	"fmt"
	"math"
	"sync"

	"budwood/search"
)

// Auto is the default sampler, a portfolio: for each trial it chooses a sampler, and
// [Auto.Explain] says which and why.
//
// After an even start, a Gaussian process ([GP]), a density of the good trials ([TPE])
// and points where nothing was tried yet share the trials in proportion to what is
// believed of each: how likely it made the ranks of the last results before they were
// known. At first that is the process, which needs the fewest trials. Once nothing was better for some time, by
// more than noise explains, a part goes to the others whatever is believed, and as much as the
// share of the results that are as good as the best one to points where nothing was tried. What nearly repeats a
// trial is not proposed.
//
// Where a scheduler stops trials early TPE proposes all of
// them: it needs only their order, which results at different budgets share, and
// was measured to need half the budget of the process. With very many parameters or trials, where a process
// sees too little of them, [CMAES] takes turns too.
//
// With several objectives it is [EHVI] at first and then [MOTPE]. Where costs count,
// all but CMA-ES weigh the improvement against them, and that one is left out.
type Auto struct {
	Cost CostMetric // what a trial costs; "" means nothing

	mu       sync.Mutex
	memo     memo
	gp       GP
	cma      CMAES
	ehvi     EHVI
	foretold map[uint64][2]judged // see densities
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

// choice is who proposes a trial, and why.
type choice struct {
	search.Sampler
	why   string
	model *gpModel // that a GP proposes by
	fill  bool     // nothing is asked what it has learned: a point where nothing was tried
	near  bool     // such a point beside the best one
}

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
		p, err := a.propose(ctx, one, known, a.choose(one, known))
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

// propose asks who was chosen. The past is not read twice.
func (a *Auto) propose(ctx context.Context, req search.Request, known past, c choice) ([]search.Params, error) {
	if len(req.Objectives) > 1 {
		return c.Propose(ctx, req)
	}
	switch s := c.Sampler.(type) {
	case *GP:
		return s.proposeBy(c.model, req, known, a.memo.repeats)
	case TPE:
		return s.proposeFrom(req, known, a.notNear(req, known))
	}
	if c.fill {
		return newFiller(req, known).propose(req, a.notNear(req, known), c.near)
	}
	return c.Propose(ctx, req)
}

// notNear refuses what repeats a trial, and what nearly does.
func (a *Auto) notNear(req search.Request, known past) repeated {
	if req.Space.Size() != 0 {
		return a.memo.repeats
	}
	n := newNearPast(req, a.memo.c, known)
	return func(out []search.Params, p search.Params) bool { return a.memo.repeats(out, p) || n.has(p) }
}

// Explain says which sampler proposes the first trial of a request, and why.
func (a *Auto) Explain(req search.Request) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.memo.read(req)
	c := a.choose(req, known)
	switch s := c.Sampler.(type) {
	case *GP:
		if c.model != nil {
			return s.explain(req, known, a.memo.repeats) + c.why
		}
	case *EHVI:
		return s.Explain(req)
	}
	return c.why
}

func (a *Auto) choose(req search.Request, p past) choice {
	a.gp.Cost, a.ehvi.Cost = a.Cost, a.Cost
	dims := len(req.Space.Dims())
	if len(req.Objectives) > 1 {
		s, why := a.several(req, p)
		return choice{Sampler: s, why: why}
	}
	n := len(p.ranked)
	if dims == 0 {
		return choice{Sampler: Random{}, why: "random: there is nothing to choose"}
	}
	if !a.gp.ready(p, dims) {
		return choice{Sampler: &a.gp, why: fmt.Sprintf("quasi: an even start, %d of %d results", n, startup(dims))}
	}
	if 5*p.cut > n {
		return choice{Sampler: TPE{Cost: a.Cost}, why: fmt.Sprintf("tpe: %d of %d results are of trials that were not trained to the end", p.cut, n)}
	}
	switch turn := req.First % 4; {
	case a.Cost == "" && dims > autoMostDims && turn%2 == 1:
		return choice{Sampler: &a.cma, why: fmt.Sprintf("cmaes: every other trial in a space of %d parameters", dims)}
	case a.Cost == "" && n > autoMostTrials && turn == 1:
		return choice{Sampler: &a.cma, why: fmt.Sprintf("cmaes: every 4th trial after %d results", n)}
	}
	m := a.gp.model(req, p)
	s, idle, ties := a.shares(req, p, m)
	why := fmt.Sprintf("of the next trials gp has %.0f %%, tpe %.0f %%, untried %.0f %%, by the ranks that they foretold", 100*s.gp, 100*s.tpe, 100*s.fill)
	switch {
	case ties > 0:
		why += fmt.Sprintf("; %.0f %% of the results are as good as the best", 100*ties)
	case idle >= autoIdle:
		why += fmt.Sprintf("; nothing was really better in the last %d", idle)
	}
	// The trials of each are spread evenly over time (golden ratio).
	u := math.Mod(float64(req.First)*math.Phi+float64(req.Seed%1024)/1024, 1)
	switch {
	case u < s.gp:
		return choice{Sampler: &a.gp, model: m, why: "; " + why}
	case u < s.gp+s.tpe:
		return choice{Sampler: TPE{Cost: a.Cost}, why: "tpe: " + why}
	}
	near := u >= s.gp+s.tpe+s.fill/2 && ties < flat // of many equal ones none is the best
	where := "where nothing was tried"
	if near {
		where = "one parameter of the best changed"
	}
	return choice{fill: true, near: near, why: fmt.Sprintf("untried: %s; %s", where, why)}
}

// shares are what each sampler has of the next trials.
func (a *Auto) shares(req search.Request, p past, m *gpModel) (s shares, idle int, ties float64) {
	f := a.foretell(req, p, m)
	s = f.shares()
	idle, ties = m.idle(p), tied(p)
	others := 0.
	switch {
	case idle >= 3*autoIdle:
		others = .5
	case idle >= autoIdle:
		others = .25
	}
	if s.gp > 1-others {
		more := s.gp - (1 - others)
		s.gp, s.tpe, s.fill = 1-others, s.tpe+more*.7, s.fill+more*.3
	}
	if least := .95 * ties; s.fill < least {
		rest := (1 - least) / (1 - s.fill)
		s.gp, s.tpe, s.fill = s.gp*rest, s.tpe*rest, least
	}
	return s, idle, ties
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
