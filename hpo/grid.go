package hpo

import (
	"context"
	"math/bits"
	"math/rand/v2"

	"budwood/search"
)

// Grid tries every combination, in an order that covers the grid evenly long
// before it is complete. It ends with [search.ErrExhausted].
type Grid struct {
	Points int // values of a continuous parameter, both ends included; 0 means 5
}

var _ search.Sampler = Grid{}

// Propose returns the next combinations.
func (g Grid) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	req.Space = g.discretize(req.Space)
	size := req.Space.Size()
	if size == 0 { // more than 2⁵³ points: more than anyone tries
		return Halton{}.Propose(ctx, req)
	}
	// Point n of the order is number n·stride + shift: the golden section of the
	// grid as stride spreads the first points, and without a common divisor it
	// reaches all of them.
	stride := max(int(float64(size)*.6180339887498949), 1)
	for gcd(stride, size) > 1 {
		stride++
	}
	shift := search.Rand(req.Seed, 0).IntN(size)
	n := 0
	return untried(req, func(i int, _ []search.Params, _ *rand.Rand, again bool) search.Params {
		if n++; !again {
			n = req.First + i
		}
		hi, lo := bits.Mul64(uint64(n%size), uint64(stride))
		return req.Space.Nth((int(bits.Rem64(hi, lo, uint64(size))) + shift) % size)
	})
}

// discretize replaces every continuous parameter by an ordinal of evenly spread values.
func (g Grid) discretize(s search.Space) search.Space {
	n := g.Points
	if n <= 0 {
		n = 5
	}
	out := make(search.Space, len(s))
	for i, p := range s {
		d := *p.Dim()
		if d.Size() == 0 {
			d = search.Dim{Name: d.Name, Kind: search.KindChoice, Ordered: true}
			for k := range n {
				u := .5
				if n > 1 {
					u = float64(k) / float64(n-1)
				}
				d.Options = append(d.Options, search.Option{Value: p.Dim().Decode(u)})
			}
		}
		options := make([]search.Option, len(d.Options))
		for j, o := range d.Options {
			options[j] = search.Option{Value: o.Value, Space: g.discretize(o.Space)}
		}
		d.Options = options
		out[i] = &d
	}
	return out
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
