package engine

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Blocks that are in use together lie apart, each at the lowest place that those
// before it leave free, and what a plan is said to need is what it takes.
func TestLayOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := make([]*block, rapid.IntRange(0, 40).Draw(t, "blocks"))
		moment := rapid.SampledFrom([]int{1, 2, 3, 4, lossMoment, backward - 4, backward - 3, backward - 2, backward - 1})
		for i := range blocks {
			blocks[i] = &block{size: rapid.Int64Range(0, 100).Draw(t, "size"), last: never}
			for range rapid.IntRange(0, 3).Draw(t, "touches") {
				touch(moment.Draw(t, "moment"), blocks[i])
			}
		}
		all := layOut(blocks)
		var used []*block
		for _, b := range blocks {
			if b.last != never {
				used = append(used, b)
			}
		}
		slices.SortStableFunc(used, func(a, b *block) int { return int(b.size - a.size) })
		end := int64(0)
		for i, b := range used {
			if want := lowest(used[:i], b); int64(b.off) != want {
				t.Fatalf("block %d of %d floats, %d to %d, is at %d; %d is free", i, b.size, b.first, b.last, b.off, want)
			}
			end = max(end, int64(b.off)+b.size)
		}
		if all != aligned(end) {
			t.Fatalf("%d floats in all, the last block ends at %d", all, end)
		}
		train, infer := peaks(blocks)
		forward := forwardOnly(blocks)
		if want := layOut(forward); train != all || infer != want {
			t.Fatalf("peaks %d and %d, laid out %d and %d", train, infer, all, want)
		}
	})
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
