package hpo

import "math"

// triedSet knows the vectors that were tried, by a hash of their coordinates: a
// discrete value always has the same one.
type triedSet map[uint64]bool

func (t triedSet) add(x []float64)      { t[hashOf(x)] = true }
func (t triedSet) has(x []float64) bool { return t[hashOf(x)] }

// hashOf is FNV-1a over 64-bit words with a final mix.
func hashOf(x []float64) uint64 {
	h := uint64(14695981039346656037)
	for _, v := range x {
		b := math.Float64bits(v)
		if v != v {
			b = 1
		}
		h = (h ^ b) * 1099511628211
		h ^= h >> 29
	}
	return h
}
