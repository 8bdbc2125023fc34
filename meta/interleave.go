package meta

import (
	"context"
	"errors"
	"math"
	"slices"

	"budwood/search"
)

// Interleave is a sampler that tries candidates from the past first, at every
// second trial, and leaves the others to the study's own sampler. A precedent
// that misleads thus costs at most half of the first 2N trials, and less: when
// at least two candidates were measured and none is better than the median of
// the sampler's own trials at the same budget, the rest is dropped.
type Interleave struct {
	Sampler    search.Sampler
	Candidates []Candidate
	From       int                        // the first trial that may take a candidate
	Key        func(search.Params) string // the same for the same candidate; nil: [search.Params.Key]
}

var _ search.Sampler = Interleave{}

// Propose implements [search.Sampler]. Candidates that are no point of the space
// or were tried before are passed over: their trial is the sampler's.
func (s Interleave) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	if n := len(s.Candidates); n == 0 || req.First > s.From+2*(n-1) { // none is left: the past need not be looked at
		return s.Sampler.Propose(ctx, req)
	}
	warm := s.points(req)
	key := s.Key
	if key == nil {
		key = search.Params.Key
	}
	tried := map[string]bool{}
	for _, r := range req.Past {
		tried[key(r.Params)] = true
	}
	if discouraged(req, warm) {
		warm = nil
	}
	var out []search.Params
	past := req.Past
	for i := range req.N {
		trial := req.First + i
		var p search.Params
		if k := trial - s.From; k >= 0 && k%2 == 0 && k/2 < len(warm) {
			if c := warm[k/2]; c != nil && !tried[key(c)] {
				p = c
			}
		}
		if p == nil {
			own := req
			own.Past, own.First, own.N = past, trial, 1
			next, err := s.Sampler.Propose(ctx, own)
			if err != nil && !errors.Is(err, search.ErrExhausted) {
				return nil, err
			}
			if len(next) == 0 {
				break
			}
			p = next[0]
		}
		out = append(out, p)
		tried[key(p)] = true
		// The trials of one request see each other as running.
		past = append(past[:len(past):len(past)], search.Record{Trial: search.Trial{ID: trial, Params: p}, State: search.Running})
	}
	if len(out) == 0 && req.N > 0 {
		return nil, search.ErrExhausted
	}
	return out, nil
}

// Source says which candidate a trial's params are; "" if they are none.
func (s Interleave) Source(p search.Params) string {
	for _, c := range s.Candidates {
		if c.Params.Key() == p.Key() {
			return c.Source()
		}
	}
	return ""
}

// points are the candidates as points of the space that satisfy the
// constraints, nil where one is none.
func (s Interleave) points(req search.Request) []search.Params {
	out := make([]search.Params, len(s.Candidates))
	for i, c := range s.Candidates {
		if p, err := req.Space.Check(c.Params, search.ArchitectureKey); err == nil && req.Constraints.Hold(p) {
			out[i] = p
		}
	}
	return out
}

// discouraged reports whether the candidates measured so far speak against the
// rest. Values are compared at the largest budget at which a candidate and at
// least two of the sampler's own trials were measured; a candidate that ended
// without a value is worse than any.
func discouraged(req search.Request, warm []search.Params) bool {
	if len(req.Objectives) == 0 {
		return false
	}
	objective := req.Objectives[0]
	isWarm := map[string]bool{}
	for _, p := range warm {
		if p != nil {
			isWarm[p.Key()] = true
		}
	}
	own := map[int][]float64{} // losses by budget
	for _, r := range req.Past {
		if isWarm[r.Params.Key()] {
			continue
		}
		for _, m := range r.Measurements {
			if loss, ok := lossOf(m, objective); ok {
				own[m.Budget] = append(own[m.Budget], loss)
			}
		}
	}
	enough := false
	for _, losses := range own {
		slices.Sort(losses)
		enough = enough || len(losses) >= 2
	}
	worse := 0
	for _, r := range req.Past {
		if !isWarm[r.Params.Key()] {
			continue
		}
		if !r.State.Usable() {
			if enough {
				worse++
			}
			continue
		}
		for _, m := range slices.Backward(r.Measurements) {
			loss, ok := lossOf(m, objective)
			if !ok || len(own[m.Budget]) < 2 {
				continue
			}
			if loss <= median(own[m.Budget]) {
				return false
			}
			worse++
			break
		}
	}
	return worse >= 2
}

func lossOf(m search.Measurement, o search.Objective) (float64, bool) {
	v, ok := m.Metrics[o.Metric]
	return o.Goal.Loss(v), ok && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// median of sorted numbers, at least one.
func median(sorted []float64) float64 {
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}
