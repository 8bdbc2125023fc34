package workflows

import (
	"context"

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
