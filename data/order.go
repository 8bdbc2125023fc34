package data

import "math/rand/v2"

// Order is a permutation of 0 … n-1 that depends on nothing but the seed and the
// epoch: training that goes on at an epoch needs no state to see its rows in the
// same order.
func Order(seed uint64, epoch, n int) []int {
	return rand.New(rand.NewPCG(seed, uint64(epoch))).Perm(n)
}
