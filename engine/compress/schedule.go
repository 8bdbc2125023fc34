package compress

// Cubic is the share that is cut at the moment t of a schedule, from 0 to 1: to + (from −
// to)·(1 − t)³ (Zhu & Gupta 2018). Before and after it stays.
func Cubic(from, to, t float64) float64 {
	left := 1 - min(max(t, 0), 1)
	return to + (from-to)*left*left*left
}

// Steps are the shares that are left after each of k cuts of which the last leaves
// final, by the cubic schedule.
func Steps(final float64, k int) []float64 {
	out := make([]float64, k)
	for i := range out {
		out[i] = 1 - Cubic(0, 1-final, float64(i+1)/float64(k))
	}
	return out
}
