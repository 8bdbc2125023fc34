package hpo

import (
	"context"
	"math/bits"
	"math/rand/v2"

	"budwood/search"
)

//go:generate go run ./sobolgen

// Sobol spreads its points evenly: trial n is point n of a Sobol' sequence
// (1967), each parameter scrambled as Owen (1995) does, by hashing (Burley 2020),
// so that each seed gives another sequence and the points of a projection, too,
// are spread evenly. Of more than 256 parameters, the others are drawn at
// random. Points of a finite space are not repeated.
//
// The direction numbers are our own (see sobolgen).
type Sobol struct{}

var _ search.Sampler = Sobol{}

// Propose returns points that were not tried.
func (Sobol) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	s := newSobol(req)
	return untried(req, func(i int, _ []search.Params, rng *rand.Rand, again bool) search.Params {
		if again {
			return req.Space.Sample(rng)
		}
		return s.point(req.First + i)
	})
}

// sobolDim is the definition of one dimension of the sequence.
type sobolDim struct {
	poly uint16
	m    []uint16
}

// sobol is the scrambled sequence of one study.
type sobol struct {
	space search.Space
	dims  []*search.Dim
	seed  uint64
}

func newSobol(req search.Request) *sobol {
	return &sobol{space: req.Space, dims: req.Space.Dims(), seed: req.Seed}
}

// point is number n of the sequence, without the parameters of the branches
// that it is not in.
func (s *sobol) point(n int) search.Params {
	x := s.vector(n)
	at := make(map[string]float64, len(x))
	for i, d := range s.dims {
		at[d.Name] = x[i]
	}
	return s.space.Fill(func(d *search.Dim) any { return d.Decode(at[d.Name]) })
}

// vector is number n, a coordinate for each parameter of each branch.
func (s *sobol) vector(n int) []float64 {
	x := make([]float64, len(s.dims))
	var rng *rand.Rand
	for i := range x {
		if i < len(sobolTable) {
			x[i] = s.coordinate(uint32(n), i)
			continue
		}
		if rng == nil {
			rng = rand.New(rand.NewPCG(s.seed, 1<<62|uint64(n))) // apart from those of the trials
		}
		x[i] = rng.Float64()
	}
	return x
}

// coordinate is the scrambled coordinate of point n in dimension i. The digits
// are reversed, hashed so that each depends on those above it, and reversed back
// (Laine & Karras 2011, with the constants of Vegdahl 2021).
func (s *sobol) coordinate(n uint32, i int) float64 {
	x := bits.Reverse32(sobolTable[i].at(n))
	h := mix(s.seed + uint64(i)*0x9E3779B97F4A7C15)
	x ^= x * 0x3d20adea
	x += uint32(h)
	x *= uint32(h>>32) | 1
	x ^= x * 0x05526c56
	x ^= x * 0x53a22864
	return (float64(bits.Reverse32(x)) + .5) * 0x1p-32
}

// at is the digits of point n: the exclusive sum of the direction numbers at its
// bits (Bratley & Fox 1988).
func (d *sobolDim) at(n uint32) uint32 {
	s := len(d.m)
	var v [32]uint32
	x := uint32(0)
	for c := range bits.Len32(n) {
		switch {
		case s == 0:
			v[c] = 1 << (31 - c)
		case c < s:
			v[c] = uint32(d.m[c]) << (31 - c)
		default:
			v[c] = v[c-s] ^ v[c-s]>>s
			for k := 1; k < s; k++ {
				v[c] ^= uint32(d.poly) >> (s - k) & 1 * v[c-k]
			}
		}
		if n>>c&1 > 0 {
			x ^= v[c]
		}
	}
	return x
}

// mix is the finaliser of SplitMix64 (Steele, Lea & Flood 2014).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}
