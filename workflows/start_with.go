package workflows

import (
	"context"
	"slices"

	"budwood/hpo"
	"budwood/meta"
	"budwood/search"
)

// startWith proposes the study's start_with first, one a trial, then what the
// sampler proposes.
type startWith struct {
	params  []search.Params
	sampler search.Sampler
}

var _ search.Sampler = startWith{}

func (s startWith) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	var out []search.Params
	for req.N > 0 && req.First < len(s.params) {
		out = append(out, s.params[req.First])
		req.First++
		req.N--
	}
	if req.N == 0 {
		return out, nil
	}
	more, err := s.sampler.Propose(ctx, req)
	return append(out, more...), err
}

// believing makes a sampler that learns draw some trials near the study's
// start_with and near the candidates of its warm start, as long as they do well.
func believing(s *Spec, plan meta.Plan, sampler search.Sampler) search.Sampler {
	if s.Architecture != nil || slices.Contains([]string{"random", "grid", "quasi", "sobol"}, s.Search.Sampler) {
		return sampler
	}
	around := slices.Clone(s.StartWith)
	for _, c := range plan.Candidates {
		around = append(around, c.Params)
	}
	if len(around) == 0 {
		return sampler
	}
	return hpo.Prior{Around: around, Sampler: sampler}
}
