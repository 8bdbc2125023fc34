package hpo

import (
	"context"
	"math/rand/v2"

	"budwood/search"
)

// Halton spreads its points evenly: trial n is point n of a Halton sequence
// (1960), in base 2 for the first parameter, 3 for the second, 5 for the third
// and so on. Digits are scrambled at random and linearly, d → (a·d + c) mod b
// (Matoušek 1998), so that large bases do not line up and each seed gives
// another sequence. Points of a finite space are not repeated.
type Halton struct{}

var _ search.Sampler = Halton{}

// Propose returns points that were not tried.
func (Halton) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	h := newHalton(req)
	return untried(req, func(i int, _ []search.Params, rng *rand.Rand, again bool) search.Params {
		if again {
			return req.Space.Sample(rng)
		}
		return h.point(req.First + i)
	})
}

// halton is the scrambled sequence of one study.
type halton struct {
	space search.Space
	dims  map[string]int // position of a parameter
	base  []int
	seed  uint64
}

func newHalton(req search.Request) *halton {
	dims := req.Space.Dims()
	h := &halton{space: req.Space, dims: make(map[string]int, len(dims)), base: primes(len(dims)), seed: req.Seed}
	for i, d := range dims {
		h.dims[d.Name] = i
	}
	return h
}

// point is number n of the sequence, without the parameters of the branches
// that it is not in.
func (h *halton) point(n int) search.Params {
	return h.space.Fill(func(d *search.Dim) any { return d.Decode(h.coordinate(n, h.dims[d.Name])) })
}

// coordinate is the scrambled radical inverse of n in the dim-th prime.
func (h *halton) coordinate(n, dim int) float64 {
	b := h.base[dim]
	rng := rand.New(rand.NewPCG(h.seed, 1<<63|uint64(dim))) // apart from those of the trials
	u, scale := 0.0, 1.0
	for scale > 0x1p-53 {
		scale /= float64(b)
		a, c := 1+rng.IntN(b-1), rng.IntN(b)
		u += scale * float64((n%b*a+c)%b)
		n /= b
	}
	return min(u, 1-0x1p-53)
}

// primes are the first n.
func primes(n int) []int {
	out := make([]int, 0, n)
next:
	for k := 2; len(out) < n; k++ {
		for _, p := range out {
			if p*p > k {
				break
			}
			if k%p == 0 {
				continue next
			}
		}
		out = append(out, k)
	}
	return out
}
