package nas

import "slices"

// eliteMemo keeps the first fronts of the past. Who is behind them when others
// come is behind them still: the fronts of what is kept and what is new are those of
// all, as long as they hold enough.
type eliteMemo struct {
	seen  []*individual
	kept  map[*individual]bool // the members of the first fronts
	depth int                  // how many fronts these are
}

// of is the elite of all, the oldest first; see elite.
func (e *eliteMemo) of(all []*individual, size int) []ranked {
	some, ok := e.candidates(all)
	found := fronts(some, 2*size) // twice as many as needed, so that they do not run out at once
	if !ok || len(found) > e.depth && len(some) < len(all) {
		some = youngestFirst(all)
		found = fronts(some, 2*size)
	}
	e.seen, e.depth, e.kept = append(e.seen[:0], all...), len(found), map[*individual]bool{}
	for _, members := range found {
		for _, i := range members {
			e.kept[i] = true
		}
	}
	return elite(some, size)
}

// candidates are those kept and those that are new, the youngest first; ok is
// false if one that was kept is gone.
func (e *eliteMemo) candidates(all []*individual) (out []*individual, ok bool) {
	n := common(e.seen, all)
	before := map[*individual]bool{}
	for _, i := range e.seen[n:] {
		before[i] = true
	}
	for i := range e.kept {
		if !before[i] {
			out = append(out, i)
		}
	}
	still := 0
	for _, i := range all[n:] {
		switch {
		case !before[i]:
			out = append(out, i)
		case e.kept[i]:
			out = append(out, i)
			still++
		}
	}
	for i := range before {
		if e.kept[i] {
			still--
		}
	}
	slices.SortFunc(out, func(a, b *individual) int { return b.at - a.at })
	return out, still == 0
}

func youngestFirst(all []*individual) []*individual {
	out := slices.Clone(all)
	slices.Reverse(out)
	return out
}
