package engine

import "math/rand/v2"

// Every random choice follows from a seed and from what it is for, never from
// the choices before it: a trainer that is loaded at epoch 3 draws what it would
// have drawn anyway.

// hash mixes numbers into one (the finaliser of SplitMix64 over each).
func hash(numbers ...uint64) uint64 {
	var h uint64
	for _, n := range numbers {
		h += n + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// What a seed is used for.
const (
	forWeights = iota + 1
	forOrder
	forDropout
	forAugment
)

// stream is the generator number i for a purpose.
func stream(seed uint64, purpose, i int) *rand.Rand {
	return rand.New(rand.NewPCG(hash(seed, uint64(purpose)), uint64(i)))
}
