package nas

import (
	"context"
	"fmt"
	"math/rand/v2"

	"budwood/search"
)

// freshTries bounds the search for a network that was not tried.
const freshTries = 64

// drawFunc draws a candidate for a trial, at the given try; known reports whether it
// may well have the network of an earlier one.
type drawFunc func(trial, try int, r *rand.Rand) (c candidate, known bool)

// propose answers a request with what draw gives for each trial, as long as it
// is new; learn makes draw from what is remembered of the past. A draw whose network is new is taken at once. One of a network that
// was tried with other hyperparameters is taken if draw means it, or if nothing
// better turns up. In a space so small that draws find nothing new, the first
// untried point after a random one is taken.
func propose(ctx context.Context, s *Space, req search.Request, learn func(*memo) drawFunc) ([]search.Params, error) {
	if s == nil {
		return nil, fmt.Errorf("architecture sampler: no space")
	}
	m := s.memo
	if m == nil {
		m = new(memo)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recall(s, req)
	draw := learn(m)
	seen := &tried{space: s, past: m}
	var out []search.Params
	for i := range req.N {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, ok := fresh(s, req, seen, req.First+i, req.Rand(i), draw)
		if !ok {
			break
		}
		c.origin.Inherits = s.inherits && len(c.origin.Parents) > 0
		c.genome.into(c.point, &c.origin)
		seen.proposed = append(seen.proposed, c.point)
		out = append(out, c.point)
	}
	if len(out) == 0 && req.N > 0 {
		return nil, fmt.Errorf("architecture: no untried network found: %w", search.ErrExhausted)
	}
	return out, nil
}

func fresh(s *Space, req search.Request, seen *tried, trial int, r *rand.Rand, draw drawFunc) (candidate, bool) {
	var second *candidate
	for try := range freshTries {
		c, known := draw(trial, try, r)
		c.origin.Avoided = try
		p, ok := req.Constraints.Repair(req.Space, c.point, r)
		if !ok {
			return candidate{}, false
		}
		c.point = p
		same := seen.with(s.mark(c.genome))
		if len(same) == 0 {
			return c, true
		}
		if (known || second == nil) && !among(req.Space, same, c.point) {
			if known {
				return c, true
			}
			second = &c
		}
	}
	if second != nil {
		return *second, true
	}
	return firstUntried(s, req, seen, r)
}

// firstUntried goes through a finite space from a random point on.
func firstUntried(s *Space, req search.Request, seen *tried, r *rand.Rand) (candidate, bool) {
	genomes, points := s.root.size(), req.Space.Size()
	all := times(genomes, points)
	if all > countable {
		return candidate{}, false
	}
	start := r.IntN(all)
	for i := range all {
		at := (start + i) % all
		c := candidate{genome: Genome{s.root.nth(at % genomes)}, point: req.Space.Nth(at / genomes), origin: Origin{Avoided: freshTries}}
		if req.Constraints.Hold(c.point) && !among(req.Space, seen.with(s.mark(c.genome)), c.point) && s.fits(c.genome) {
			return c, true
		}
	}
	return candidate{}, false
}
