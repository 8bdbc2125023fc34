package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Blocks that are in use together lie apart, each at the lowest place that those
// before it leave free; those in use at one moment only lie in one piece. What a
// plan is said to need is what it takes.
func TestLayOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := make([]*block, rapid.IntRange(0, 40).Draw(t, "blocks"))
		moment := rapid.SampledFrom([]int{1, 2, 3, 4, lossMoment, backward - 4, backward - 3, backward - 2, backward - 1})
		for i := range blocks {
			blocks[i] = &block{size: rapid.Int64Range(0, rapid.SampledFrom([]int64{100, 10_000}).Draw(t, "most")).Draw(t, "size"), last: never}
			for range rapid.IntRange(0, 3).Draw(t, "touches") {
				touch(moment.Draw(t, "moment"), blocks[i])
			}
		}
		all := layOut(blocks)
		pieces := inPieces(blocks)
		end := int64(0)
		for i, b := range pieces {
			if want := lowest(pieces[:i], b); int64(b.off) != want {
				t.Fatalf("block %d of %d floats, %d to %d, is at %d; %d is free", i, b.size, b.first, b.last, b.off, want)
			}
			end = max(end, int64(b.off)+b.size)
		}
		if all != aligned(end) {
			t.Fatalf("%d floats in all, the last block ends at %d", all, end)
		}
		for i, b := range blocks {
			for _, p := range blocks[:i] {
				together := b.last != never && p.last != never && p.first <= b.last && b.first <= p.last
				if together && int64(p.off) < int64(b.off)+b.size && int64(b.off) < int64(p.off)+p.size {
					t.Fatalf("blocks in use together: %+v and %+v", p, b)
				}
			}
		}
		train, infer := peaks(blocks)
		forward := forwardOnly(blocks)
		if want := layOut(forward); train != all || infer != want {
			t.Fatalf("peaks %d and %d, laid out %d and %d", train, infer, all, want)
		}
	})
}

// inPieces are the blocks in use in the order in which they are laid out, those
// of one moment as one.
func inPieces(blocks []*block) []*block {
	var long, short []*block
	largest := int64(0)
	byMoment := map[int]*block{}
	for _, b := range blocks {
		switch p := byMoment[b.first]; {
		case b.last == never:
		case b.first < b.last:
			long, largest = append(long, b), max(largest, b.size)
		case p == nil:
			byMoment[b.first] = &block{size: aligned(b.size), first: b.first, last: b.last, off: b.off}
		default:
			p.size, p.off = p.size+aligned(b.size), min(p.off, b.off)
		}
	}
	for _, pass := range [][]int{{lossMoment}, {1, backward - 1}, {2, backward - 2}, {3, backward - 3}, {4, backward - 4}} {
		for _, m := range pass {
			if p := byMoment[m]; p != nil && p.size > largest/little {
				long = append(long, p)
			} else if p != nil && p.size > 0 {
				short = append(short, p)
			}
		}
	}
	slices.SortStableFunc(long, func(a, b *block) int { return int(b.size - a.size) })
	return append(long, short...)
}

// lowest tries one aligned place after another.
func lowest(before []*block, b *block) int64 {
	for off := int64(0); ; off += align {
		if !slices.ContainsFunc(before, func(p *block) bool {
			together := p.first <= b.last && b.first <= p.last
			return together && int64(p.off) < off+b.size && off < aligned(int64(p.off)+p.size)
		}) {
			return off
		}
	}
}

// forwardOnly are the blocks of the forward pass with their lives in it.
func forwardOnly(blocks []*block) []*block {
	var out []*block
	for _, b := range blocks {
		if b.last != never && b.first < lossMoment {
			out = append(out, &block{size: b.size, first: b.first, last: b.forward})
		}
	}
	return out
}
