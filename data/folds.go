package data

import (
	"math"
	"slices"
)

// folds deals rows, which come in random order, to k folds and returns the fold
// of each. Folds differ in size by at most one row, and so do their shares of a
// class. With groups, which stay together, sizes are as near as [dealGroups] gets.
func folds(rows []int, l labels, group []int32, k int) []int {
	at := map[int]int{} // place of a row
	for i, row := range rows {
		at[row] = i
	}
	out := make([]int, len(rows))
	if group != nil {
		shares := slices.Repeat([]float64{1 / float64(k)}, k)
		for fold, part := range dealGroups(rows, l, group, shares) {
			for _, row := range part {
				out[at[row]] = fold
			}
		}
		return out
	}
	n := 0
	for _, class := range l.sort(rows) {
		for _, row := range class {
			out[at[row]] = n % k
			n++
		}
	}
	return out
}

// foldsOf divides a set whose rows have numbers of folds. It is nil without.
func foldsOf(all *Set, fold []int) []Fold {
	if len(fold) == 0 {
		return nil
	}
	out := make([]Fold, slices.Max(fold)+1)
	for k := range out {
		var in, others []int
		for i, f := range fold {
			if f == k {
				in = append(in, i)
			} else {
				others = append(others, i)
			}
		}
		out[k] = Fold{Train: all.Select(others), Valid: all.Select(in)}
	}
	// A fold without rows is none: fewer groups than folds.
	return slices.DeleteFunc(out, func(f Fold) bool { return f.Valid.Len() == 0 || f.Train.Len() == 0 })
}

// dealGroups deals rows to parts with given shares, those of a group to the same
// part. The largest groups come first, those of equal size in order of
// appearance; each goes to the part that lacks most of what the group has:
// argmax over p of Σ_c g_c/N_c·(s_p − n_pc/N_c), where g_c rows of the group, n_pc
// rows of the part and N_c rows in all have class c. That is the greatest decrease
// of Σ_pc (n_pc/N_c − s_p)² (the greedy idea of scikit-learn's
// StratifiedGroupKFold, for parts of any share).
func dealGroups(rows []int, l labels, group []int32, shares []float64) [][]int {
	members := map[int32][]int{}
	var order []int32
	total := make([]float64, l.classes())
	for _, row := range rows {
		g := group[row]
		if len(members[g]) == 0 {
			order = append(order, g)
		}
		members[g] = append(members[g], row)
		total[l.of(row)]++
	}
	slices.SortStableFunc(order, func(a, b int32) int { return len(members[b]) - len(members[a]) })
	out := make([][]int, len(shares))
	filled := make([][]float64, len(shares)) // share of each class that a part has
	for p := range filled {
		filled[p] = make([]float64, len(total))
	}
	for _, g := range order {
		best, most := 0, math.Inf(-1)
		for p, share := range shares {
			if share <= 0 {
				continue
			}
			lack := 0.
			for _, row := range members[g] {
				c := l.of(row)
				lack += (share - filled[p][c]) / total[c]
			}
			if lack > most {
				best, most = p, lack
			}
		}
		for _, row := range members[g] {
			c := l.of(row)
			filled[best][c] += 1 / total[c]
		}
		out[best] = append(out[best], members[g]...)
	}
	return out
}

// groups numbers the values of a column, row by row; a missing value is a group
// of its own. It is nil without a column.
func (c *column) groups() []int32 {
	if c == nil {
		return nil
	}
	next := int32(len(c.levels))
	if c.text {
		out := slices.Clone(c.code)
		for i, k := range out {
			if k < 0 {
				out[i] = next
				next++
			}
		}
		return out
	}
	out := make([]int32, len(c.num))
	number := map[float64]int32{}
	for i, x := range c.num {
		k, ok := number[x] // never of NaN
		if !ok {
			k = next
			next++
			number[x] = k
		}
		out[i] = k
	}
	return out
}
