package hpo

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"budwood/search"
)

// Prior draws some of the trials near points that somebody believes in, such as a
// study's start_with, and leaves the others to a sampler (PriorBand; Mallik et al.
// 2023, Section 5). Before there are results every second trial is drawn near one
// of the points, the nearer the likelier. Then the share is ½·S_π/(S_π + S_λ): how
// likely the best third of the trials are under the draws near the points,
// against draws near the incumbent, weighted by rank. A belief that misleads is
// soon left alone.
type Prior struct {
	Around  []search.Params
	Sampler search.Sampler // of the other trials; nil means TPE
}

// priorSigma is the standard deviation of a draw near a point along a numeric
// coordinate in [0,1].
const priorSigma = .25

var (
	_ search.Sampler   = Prior{}
	_ search.Explainer = Prior{}
)

// Propose returns points near what is believed in, or the sampler's.
func (s Prior) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	if len(s.Around) == 0 {
		return s.sampler().Propose(ctx, req)
	}
	b := s.beliefs(req)
	var out []search.Params
	one := req
	for i := range req.N {
		one.First, one.N = req.First+i, 1
		p, ok := b.draw(req, one.First, out)
		if !ok {
			more, err := s.sampler().Propose(ctx, one)
			if err != nil || len(more) == 0 {
				if len(out) > 0 {
					err = nil
				}
				return out, err
			}
			p = more[0]
		}
		out = append(out, p)
		past := one.Past[:len(one.Past):len(one.Past)]
		one.Past = append(past, search.Record{Trial: search.Trial{ID: one.First, Params: p}, State: search.Running})
	}
	return out, nil
}

// Explain says that a trial is drawn near a point, or what the sampler says of it,
// which may be nothing.
func (s Prior) Explain(req search.Request) string {
	if len(s.Around) > 0 {
		b := s.beliefs(req)
		if _, ok := b.draw(req, req.First, nil); ok {
			return fmt.Sprintf("prior: near a given point, as are %.0f %% of the trials", 100*b.share)
		}
	}
	if e, ok := s.sampler().(search.Explainer); ok {
		return e.Explain(req)
	}
	return ""
}

func (s Prior) sampler() search.Sampler {
	if s.Sampler == nil {
		return TPE{}
	}
	return s.Sampler
}

// beliefs are the points of a Prior as vectors, and the share of the trials to
// draw near them.
type beliefs struct {
	cube   *cube
	around [][]float64
	share  float64
}

func (s Prior) beliefs(req search.Request) beliefs {
	b := beliefs{cube: newCube(req.Space)}
	for _, p := range s.Around {
		b.around = append(b.around, b.cube.vector(p))
	}
	b.share = s.share(req, b.cube, b.around)
	return b
}

// draw is the candidate of a trial if it is one of those near a point.
func (b *beliefs) draw(req search.Request, trial int, out []search.Params) (p search.Params, ok bool) {
	// Not the trial's own source: the sampler draws from that.
	rng := rand.New(rand.NewPCG(req.Seed^0x7072696f72, uint64(trial)))
	if rng.Float64() >= b.share {
		return nil, false
	}
	return near(req, out, b.cube, b.around[rng.IntN(len(b.around))], rng)
}

// share is how many of the trials to draw near the points.
func (s Prior) share(req search.Request, c *cube, around [][]float64) float64 {
	p := read(req)
	n := len(p.ranked)
	if n < 3 {
		return .5
	}
	top := c.vector(req.Past[p.ranked[0].record].Params)
	// Log-likelihoods, weighted by rank, of both; the largest one is the unit.
	var prior, incumbent []float64
	best := min((n+2)/3, sortedBest)
	for k, r := range p.ranked[:best] {
		x := c.vector(req.Past[r.record].Params)
		w := math.Log(float64(best - k))
		if n < 6 {
			w = 0
		}
		nearest := math.Inf(-1)
		for _, a := range around {
			nearest = max(nearest, nearness(c, a, x))
		}
		prior = append(prior, w+nearest)
		incumbent = append(incumbent, w+nearness(c, top, x))
	}
	return .5 / (1 + math.Exp(logSumExp(incumbent)-logSumExp(prior)))
}

// near draws a point near a vector that is new and satisfies the constraints.
func near(req search.Request, out []search.Params, c *cube, of []float64, rng *rand.Rand) (search.Params, bool) {
	x := make([]float64, len(c.dims))
	for range 16 {
		c.fill(x, func(k int) float64 {
			d, u := c.dims[k], of[k]
			switch {
			case u != u:
				return snap(d, rng.Float64())
			case d.Kind == search.KindChoice && !d.Ordered:
				if rng.Float64() < .5 {
					return u
				}
				return snap(d, rng.Float64())
			}
			return snap(d, truncated(rng, u, priorSigma))
		})
		if p := c.decode(x); acceptable(req, out, p) {
			return p, true
		}
	}
	return nil, false
}

// nearness is the logarithm of the density of near's draws at x, relative to
// uniform ones.
func nearness(c *cube, of, x []float64) float64 {
	sum := 0.
	for k, d := range c.dims {
		u, v := of[k], x[k]
		switch {
		case u != u || v != v:
		case d.Kind == search.KindChoice && !d.Ordered:
			p := .5
			if u == v {
				p += .5 * float64(len(d.Options))
			}
			sum += math.Log(p)
		default:
			z := (v - u) / priorSigma
			mass := cdf((1-u)/priorSigma) - cdf(-u/priorSigma)
			sum -= z*z/2 + math.Log(priorSigma*math.Sqrt(2*math.Pi)*mass)
		}
	}
	return sum
}
