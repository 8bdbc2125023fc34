package trials

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// noStudy is [ErrNoStudy] with the names that may have been meant.
func (s *Store) noStudy(ctx context.Context, name string) error {
	names, err := s.names(ctx, `SELECT name FROM studies ORDER BY created DESC, id DESC`)
	if err != nil {
		return err
	}
	if near := nearest(name, names, 3); len(near) > 0 {
		return fmt.Errorf("%w; did you mean %s?", ErrNoStudy, strings.Join(near, " or "))
	}
	if len(names) == 0 {
		return fmt.Errorf("%w; there are none yet", ErrNoStudy)
	}
	return ErrNoStudy
}

// nearest returns at most n quoted names that differ from name by few letters
// or contain it, the nearest first.
func nearest(name string, names []string, n int) []string {
	type hit struct {
		name     string
		distance int
	}
	var hits []hit
	for _, candidate := range names {
		d := distance(strings.ToLower(name), strings.ToLower(candidate))
		if d <= max(2, len(name)/3) || len(name) > 2 && strings.Contains(candidate, name) {
			hits = append(hits, hit{candidate, d})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.distance - b.distance })
	var out []string
	for _, h := range hits[:min(n, len(hits))] {
		out = append(out, strconv.Quote(h.name))
	}
	return out
}

// distance is the number of letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			replace := diagonal
			if x[i] != y[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, diagonal+1)
		}
	}
	return row[len(y)]
}
