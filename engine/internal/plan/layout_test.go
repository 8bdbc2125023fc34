package plan

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
		blocks := make([]*Block, rapid.IntRange(0, 40).Draw(t, "blocks"))
		moment := rapid.SampledFrom([]int{1, 2, 3, 4, lossMoment, backward - 4, backward - 3, backward - 2, backward - 1})
		for i := range blocks {
			blocks[i] = &Block{Size: rapid.Int64Range(0, rapid.SampledFrom([]int64{100, 10_000}).Draw(t, "most")).Draw(t, "size"), Last: Never}
			for range rapid.IntRange(0, 3).Draw(t, "touches") {
				touch(moment.Draw(t, "moment"), blocks[i])
			}
			if b := blocks[i]; b.forward > 0 && b.forward < lossMoment && b.Last > lossMoment && rapid.Bool().Draw(t, "pauses") {
				b.again = rapid.IntRange(backward-6, b.Last).Draw(t, "again")
			}
		}
		all := LayOut(blocks)
		pieces := inPieces(blocks)
		end := int64(0)
		for i, b := range pieces {
			if want := lowest(pieces[:i], b); int64(b.Off) != want {
				t.Fatalf("block %d of %d floats, %d to %d, is at %d; %d is free", i, b.Size, b.First, b.Last, b.Off, want)
			}
			end = max(end, int64(b.Off)+b.Size)
		}
		if all != Aligned(end) {
			t.Fatalf("%d floats in all, the last block ends at %d", all, end)
		}
		for i, b := range blocks {
			for _, p := range blocks[:i] {
				if together(b, p) && int64(p.Off) < int64(b.Off)+b.Size && int64(b.Off) < int64(p.Off)+p.Size {
					t.Fatalf("blocks in use together: %+v and %+v", p, b)
				}
			}
		}
		train, infer := Peaks(blocks)
		forward := forwardOnly(blocks)
		if want := LayOut(forward); train != all || infer != want {
			t.Fatalf("peaks %d and %d, laid out %d and %d", train, infer, all, want)
		}
	})
}

// inPieces are the blocks in use in the order in which they are laid out, those
// of one moment as one.
func inPieces(blocks []*Block) []*Block {
	var long, short []*Block
	largest := int64(0)
	byMoment := map[int]*Block{}
	for _, b := range blocks {
		switch p := byMoment[b.First]; {
		case b.Last == Never:
		case b.First < b.Last:
			long, largest = append(long, b), max(largest, b.Size)
		case p == nil:
			byMoment[b.First] = &Block{Size: Aligned(b.Size), First: b.First, Last: b.Last, Off: b.Off}
		default:
			p.Size, p.Off = p.Size+Aligned(b.Size), min(p.Off, b.Off)
		}
	}
	for _, pass := range [][]int{{lossMoment}, {1, backward - 1}, {2, backward - 2}, {3, backward - 3}, {4, backward - 4}} {
		for _, m := range pass {
			if p := byMoment[m]; p != nil && p.Size > largest/little {
				long = append(long, p)
			} else if p != nil && p.Size > 0 {
				short = append(short, p)
			}
		}
	}
	slices.SortStableFunc(long, func(a, b *Block) int { return int(b.Size - a.Size) })
	return append(long, short...)
}

// lowest tries one aligned place after another.
func lowest(before []*Block, b *Block) int64 {
	for off := int64(0); ; off += align {
		if !slices.ContainsFunc(before, func(p *Block) bool {
			return together(p, b) && int64(p.Off) < off+b.Size && off < Aligned(int64(p.Off)+p.Size)
		}) {
			return off
		}
	}
}

// together reports whether two blocks are in use at the same moment.
func together(a, b *Block) bool {
	return slices.ContainsFunc(moments(a), func(x [2]int) bool {
		return slices.ContainsFunc(moments(b), func(y [2]int) bool { return x[0] <= y[1] && y[0] <= x[1] })
	})
}

// moments are those in which a block is in use, each from and to.
func moments(b *Block) [][2]int {
	switch {
	case b.Last == Never:
		return nil
	case b.again > 0:
		return [][2]int{{b.First, b.forward}, {b.again, b.Last}}
	}
	return [][2]int{{b.First, b.Last}}
}

// forwardOnly are the blocks of the forward pass with their lives in it.
func forwardOnly(blocks []*Block) []*Block {
	var out []*Block
	for _, b := range blocks {
		if b.Last != Never && b.First < lossMoment {
			out = append(out, &Block{Size: b.Size, First: b.First, Last: b.forward})
		}
	}
	return out
}
