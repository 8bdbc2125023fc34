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
	order := slices.Clone(blocks)
	order = slices.DeleteFunc(order, func(b *block) bool { return b.last == never })
	slices.SortStableFunc(order, func(a, b *block) int { return cmp.Compare(b.size, a.size) })
	var placed []*block // by offset
	var total int64
	for _, b := range order {
		var off int64
		for _, p := range placed {
			if p.last < b.first || b.last < p.first {
				continue
			}
			if off+b.size <= int64(p.off) {
				break
			}
			off = max(off, aligned(plus(int64(p.off), p.size)))
		}
		b.off = int(off)
		total = max(total, plus(off, b.size))
		at, _ := slices.BinarySearchFunc(placed, b, func(p, q *block) int { return cmp.Compare(p.off, q.off) })
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
