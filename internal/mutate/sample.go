package main

import "math/rand/v2"

// sample draws n mutants, one from each of n equal parts of the list: every file
// and function has its share. 0 means all.
func sample(all []*mutant, n int, seed uint64) []*mutant {
	if n <= 0 || n >= len(all) {
		return all
	}
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]*mutant, n)
	for i := range out {
		from, to := i*len(all)/n, (i+1)*len(all)/n
		out[i] = all[from+r.IntN(to-from)]
	}
	return out
}
