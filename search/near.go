package search

import (
	"slices"
	"strings"
)

// Nearest lists at most n of the names that may have been meant by what was
// written, the nearest first: those in which at most a third of the letters (one
// in a short word) differ, or that contain it. Case does not count.
func Nearest(written string, names []string, n int) []string {
	type hit struct {
		name string
		far  int
	}
	var hits []hit
	w := strings.ToLower(written)
	for _, name := range names {
		low := strings.ToLower(name)
		d := edits(w, low)
		if d <= max(1, len(w)/3) && d < len(w) || len(w) > 2 && strings.Contains(low, w) {
			hits = append(hits, hit{name, d})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.far - b.far })
	var out []string
	for _, h := range hits[:min(n, len(hits))] {
		out = append(out, h.name)
	}
	return out
}

// edits is the number of letters to insert, delete, replace or exchange with
// their neighbour (optimal string alignment).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			change := 1
			if x[i-1] == y[j-1] {
				change = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
