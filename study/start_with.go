package study

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
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

// believing makes a sampler that learns draw some trials near its start_with and
// near the candidates of its warm start, as long as they do well. One of the user's
// own is left alone.
func believing(s *Spec, given []search.Params, plan meta.Plan, sampler search.Sampler) search.Sampler {
	if s.Architecture != nil || s.Search.Own || !s.method().Learns {
		return sampler
	}
	var around []search.Params
	for _, p := range given {
		if _, err := s.Space.Check(p); err == nil { // an edit may have left it outside
			around = append(around, p)
		}
	}
	for _, c := range plan.Candidates {
		around = append(around, c.Params)
	}
	if len(around) == 0 {
		return sampler
	}
	return hpo.Prior{Around: around, Sampler: sampler}
}

// startWith is the study's start_with with what each leaves out.
func (s *Spec) startWith(c search.Constraints) ([]search.Params, error) {
	out := make([]search.Params, len(s.StartWith))
	for i, p := range s.StartWith {
		q, err := fill(s.Space, c, p, search.Rand(s.Search.Seed, i))
		if err != nil {
			return nil, &FieldError{fmt.Sprintf("start_with[%d]", i), err}
		}
		out[i] = q
	}
	return out, nil
}

// given is start_with for the sampler. What an edit of the space has left outside was
// tried before that, and stays as it is.
func (s *Spec) given(c search.Constraints) []search.Params {
	out := slices.Clone(s.StartWith)
	for i, p := range out {
		if q, err := fill(s.Space, c, p, search.Rand(s.Search.Seed, i)); err == nil {
			out[i] = q
		}
	}
	return out
}

// fillDraws is how often what a candidate leaves out is drawn until it fits.
const fillDraws = 1000

// fill checks a candidate that a user gave. What it leaves out has its default or
// is drawn from the prior, so that all of it lies in the space and satisfies the
// constraints.
func fill(space search.Space, constraints search.Constraints, p search.Params, r *rand.Rand) (search.Params, error) {
	var err error
	for range fillDraws {
		drawn := false
		q := space.Fill(func(d *search.Dim) any {
			v, ok := p[d.Name]
			switch {
			case !ok && d.Default != nil:
				return d.Default
			case !ok:
				drawn = true
				return d.Decode(r.Float64())
			}
			if typed, err := d.Check(v); err == nil {
				return typed
			}
			return v
		})
		maps.Copy(q, p) // what is in no branch, too: the check tells
		if q, err = space.Check(q, search.ArchitectureKey); err == nil {
			text, broken := constraints.Broken(q)
			if !broken {
				return q, nil
			}
			err = fmt.Errorf("it breaks the constraint %q", text)
		}
		if !drawn {
			break
		}
	}
	return nil, err
}
