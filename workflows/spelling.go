package workflows

import (
	"fmt"
	"strings"
)

// oneOf is an error at path unless v is one of the names; it suggests the
// nearest one.
func oneOf(path, v string, names []string) error {
	for _, n := range names {
		if n == v {
			return nil
		}
	}
	return wrong(path, "there is no %q%s; there are %s", v, didYouMean(v, names), strings.Join(names, ", "))
}

// didYouMean is ` (did you mean "trials"?)`, or nothing if no name is near.
func didYouMean(v string, names []string) string {
	best, at := 1+len(v)/3, ""
	for _, n := range names {
		if d := distance(v, n); d <= best {
			best, at = d-1, n
		}
	}
	if at == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", at)
}

// distance is the edit distance with transpositions of neighbours (optimal
// string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
