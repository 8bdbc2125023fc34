package searchtest

import "math"

// splitMix is the SplitMix64 generator (Steele, Lea & Flood 2014). The problems
// are defined by it, so that any language can rebuild them bit by bit.
type splitMix uint64

func (s *splitMix) next() uint64 {
	*s += 0x9E3779B97F4A7C15
	z := uint64(*s)
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return z ^ (z >> 31)
}

// uni is uniform in [0,1).
func (s *splitMix) uni() float64 { return float64(s.next()>>11) * 0x1p-53 }

// normal is standard normal (Box–Muller, the cosine half only).
func (s *splitMix) normal() float64 {
	u1, u2 := s.uni(), s.uni()
	return math.Sqrt(-2*math.Log(1-u1)) * math.Cos(2*math.Pi*u2)
}

// Uniform is a stream of uniform numbers in [0,1), as the problems are defined by.
func Uniform(seed uint64) func() float64 {
	s := splitMix(seed)
	return s.uni
}
