package mesh

import "math/bits"

// Span is the leaves From … To−1.
type Span struct{ From, To int }

// Split is the number of leaves in the left part of a tree of n ≥ 2 leaves: the
// largest power of two below n.
func Split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// Trees gives the fewest whole subtrees of the tree over n leaves that the leaves s
// consist of, from left to right.
func Trees(n int, s Span) []Span { return cover(nil, Span{0, n}, s) }

func cover(out []Span, tree, s Span) []Span {
	switch {
	case s.From <= tree.From && tree.To <= s.To:
		return append(out, tree)
	case tree.To <= s.From || s.To <= tree.From:
		return out
	}
	mid := tree.From + Split(tree.To-tree.From)
	return cover(cover(out, Span{tree.From, mid}, s), Span{mid, tree.To}, s)
}

// Merges is what whoever computes the leaves s in turn has to do after leaf u, to
// have the sums of Trees(n, s) at the end: it keeps a stack of sums, pushes leaf u,
// and so many times replaces the upper two by their sum.
func Merges(n int, s Span, u int) (merges int) {
	for tree := (Span{0, n}); tree.To-tree.From > 1; {
		if s.From <= tree.From && tree.To == u+1 {
			merges++
		}
		if mid := tree.From + Split(tree.To-tree.From); u < mid {
			tree.To = mid
		} else {
			tree.From = mid
		}
	}
	return merges
}

// addition is one inner node of a tree of buffers: src is added to dst.
type addition struct{ dst, src int }

// fold lists the additions that make one sum of the subtrees parts, which together
// are the subtree whole. Those under [t] can be done once the parts 0 … t
// are there. The sum ends up in the part own; every other part loses its value.
func fold(whole Span, parts []Span, own int) [][]addition {
	out := make([][]addition, len(parts))
	var node func(tree Span, from, to int) int
	node = func(tree Span, from, to int) int {
		if to-from == 1 {
			return from
		}
		leaf := tree.From + Split(tree.To-tree.From)
		mid := from
		for parts[mid].From < leaf {
			mid++
		}
		dst, src := node(Span{tree.From, leaf}, from, mid), node(Span{leaf, tree.To}, mid, to)
		if src == own {
			dst, src = src, dst
		}
		out[to-1] = append(out[to-1], addition{dst, src})
		return dst
	}
	node(whole, 0, len(parts))
	return out
}

// Order lists the additions {dst, src} that make one sum of the subtrees parts, which
// together are the subtree whole, in the order in which they can be done. The sum
// ends up in the part own; every other part loses its value.
func Order(whole Span, parts []Span, own int) (adds [][2]int) {
	for _, step := range fold(whole, parts, own) {
		for _, a := range step {
			adds = append(adds, [2]int{a.dst, a.src})
		}
	}
	return adds
}
