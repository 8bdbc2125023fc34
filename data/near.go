package data

import (
	"fmt"
	"strings"
)

// noColumn says that a table has no such column, and which one was perhaps meant.
func noColumn(name string, names []string) error {
	hint := ""
	if n := nearest(name, names); n != "" {
		hint = fmt.Sprintf("; did you mean %s?", quote(n))
	} else if allNumbers(names) {
		hint = "; is the header line missing?"
	}
	const most = 12
	list := make([]string, 0, most)
	for _, n := range names[:min(len(names), most)] {
		list = append(list, strings.Trim(quote(n), `"`))
	}
	if more := len(names) - most; more > 0 {
		list = append(list, fmt.Sprintf("… and %d more, the last one %s", more, strings.Trim(quote(names[len(names)-1]), `"`)))
	}
	return fmt.Errorf("there is no column %s%s; the columns are %s", quote(name), hint, strings.Join(list, ", "))
}

// nearest is the name closest to what was written, or "" if none is close:
// at most a third of its letters may differ. Case does not count.
func nearest(written string, names []string) string {
	best, dist := "", len(written)/3+1
	for _, n := range names {
		if d := edits(strings.ToLower(written), strings.ToLower(n)); d < dist {
			best, dist = n, d
		}
	}
	return best
}

// edits is the number of bytes to insert, delete or replace to get from a to b
// (Levenshtein's distance).
func edits(a, b string) int {
	row := make([]int, len(b)+1) // distances from the prefix of a read so far to every prefix of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}
