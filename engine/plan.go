package engine

import (
	"cmp"
	"math"
	"slices"
)

// block is a piece of the arena that is in use from moment first to moment
// last of a training step. Blocks that are never in use together share memory.
type block struct {
	size        int64 // floats for a whole batch
	sample      int64 // floats of each sample; 0 for scratch
	first, last int
	forward     int // last moment in the forward pass
	off         int
	data        []float32 // once the arena exists
}

// The moments of a step: op i runs forward at moment i, the loss follows, and
// op i runs backward at moment backward−i.
const (
	lossMoment = 1 << 29
	backward   = 1 << 30
	never      = -1
)

// touch extends the life of blocks to a moment.
func touch(moment int, blocks ...*block) {
	for _, b := range blocks {
		if b == nil {
			continue
		}
		if b.last == never {
			b.first = moment
		}
		b.first, b.last = min(b.first, moment), max(b.last, moment)
		if moment <= lossMoment {
			b.forward = max(b.forward, moment)
		}
	}
}

// align is the distance of block starts in floats: a cache line.
const align = 16

// layOut gives every block an offset, so that blocks whose lives overlap do not,
// and returns the floats needed in all. Large blocks come first, each at the
// lowest place that is free during its life.
func layOut(blocks []*block) int64 {
	order := make([]life, 0, len(blocks))
	for i, b := range blocks {
		if b.last != never {
			order = append(order, life{int64(i), b.size, b.first, b.last})
		}
	}
	return arrange(order, func(number, off int64) { blocks[number].off = int(off) })
}

// life is a block for [arrange]: its number, then its offset, its size and its life.
type life struct {
	at, size    int64
	first, last int
}

// arrange gives every block an offset and returns the floats needed in all. Its
// argument is not kept as it was.
func arrange(order []life, place func(number, off int64)) int64 {
	slices.SortFunc(order, func(a, b life) int {
		if a.size != b.size {
			return cmp.Compare(b.size, a.size)
		}
		return cmp.Compare(a.at, b.at)
	})
	placed := make([]life, 0, len(order)) // by offset
	var total int64
	for _, b := range order {
		var off int64
		for i := range placed {
			p := &placed[i]
			if p.last < b.first || b.last < p.first {
				continue
			}
			if off+b.size <= p.at {
				break
			}
			off = max(off, aligned(plus(p.at, p.size)))
		}
		place(b.at, off)
		b.at = off
		total = max(total, plus(off, b.size))
		at, _ := slices.BinarySearchFunc(placed, off, func(p life, off int64) int { return cmp.Compare(p.at, off) })
		placed = slices.Insert(placed, at, b)
	}
	return aligned(total)
}

func aligned(n int64) int64 {
	if n > math.MaxInt64-align {
		return math.MaxInt64
	}
	return (n + align - 1) &^ (align - 1)
}
