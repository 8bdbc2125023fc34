package layout

// atoms are the pieces that a network may be cut into: the first layer of each, and
// the number of layers.
func (m *Model) atoms() []int {
	var out []int
	for i, l := range m.Layers {
		if i == 0 || !l.Joined {
			out = append(out, i)
		}
	}
	return append(out, len(m.Layers))
}

// even are the first layers of equally many atoms each, and the number of layers.
func even(atoms []int, pieces int) []int {
	n := len(atoms) - 1
	if n%pieces != 0 {
		return nil
	}
	var out []int
	for i := 0; i <= n; i += n / pieces {
		out = append(out, atoms[i])
	}
	return out
}

// balance cuts atoms of given times into pieces so that the longest takes least, and
// returns the first atom of each piece and the number of atoms; nil if there are too
// few or no cut is allowed. fits, if not nil, reports whether piece i may be the atoms
// from ≤ a < to: fewer must fit where more do.
//
// The longest time is one of the sums, and whether a time is enough shows by filling
// each piece in turn: so it is found by bisection over the sums from each atom on.
func balance(times []float64, pieces int, fits func(i, from, to int) bool) []int {
	n := len(times)
	if n < pieces {
		return nil
	}
	sum := make([]float64, n+1)
	for i, x := range times {
		sum[i+1] = sum[i] + x
	}
	fill := func(most float64) []int {
		cut := []int{0}
		for i := range pieces {
			from := cut[i]
			to := from
			for to < n-(pieces-1-i) && sum[to+1]-sum[from] <= most && (fits == nil || fits(i, from, to+1)) {
				to++
			}
			if to == from {
				return nil
			}
			cut = append(cut, to)
		}
		if cut[pieces] < n {
			return nil
		}
		return cut
	}
	lo, hi := 0.0, sum[n]*(1+1e-12)
	best := fill(hi)
	if best == nil {
		return nil
	}
	for range 50 {
		mid := (lo + hi) / 2
		if cut := fill(mid); cut != nil {
			best, hi = cut, mid
			continue
		}
		lo = mid
	}
	return best
}
