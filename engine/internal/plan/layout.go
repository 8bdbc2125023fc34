package plan

import (
	"math"
	"slices"
	"sort"
	"sync"
)

// Block is a piece of the arena that is in use from moment First to moment Last of
// a training step. Blocks that are never in use together share memory.
type Block struct {
	Size        int64     // floats for a whole batch
	Sample      int64     // floats of each sample; 0 for scratch
	First, Last int       // moments; Last is Never for a block that nothing uses
	forward     int       // last moment in the forward pass
	again       int       // between the two it is not in use, and holds nothing; 0: it is
	Off         int       // where it begins in the arena, in floats
	Floats      []float32 // its part of the arena, Size long, once that exists
}

// The moments of a step of n ops: the input is there at moment 0, op i (from 1)
// runs forward at moment i, the loss follows at lossMoment, op i runs backward at
// moment backward − i, and the step ends at moment backward.
const (
	lossMoment = 1 << 29
	backward   = 1 << 30

	Never = -1 // the last moment of a block that nothing uses
)

// touch extends the life of blocks to a moment.
func touch(moment int, blocks ...*Block) {
	for _, b := range blocks {
		if b == nil {
			continue
		}
		if b.Last == Never {
			b.First = moment
		}
		b.First, b.Last = min(b.First, moment), max(b.Last, moment)
		if moment <= lossMoment {
			b.forward = max(b.forward, moment)
		}
	}
}

// align is the distance of block starts in floats: a cache line.
const align = 16

// LayOut gives every block an offset, so that blocks whose lives overlap do not,
// and returns the floats needed in all. Large blocks come first, each at the
// lowest place that is free during its life. Those in use at one moment only lie
// together, and where that is little it comes last: it is in nobody's way.
func LayOut(blocks []*Block) int64 {
	a := arrangers.Get().(*arranger)
	defer arrangers.Put(a)
	a.read(blocks, false)
	total := a.arrange()
	for i := range a.order {
		if l := &a.order[i]; int(l.number) < len(blocks) {
			blocks[l.number].Off = int(l.off)
		} else {
			a.moments[int(l.number)-len(blocks)].off = l.off
		}
	}
	for _, b := range blocks {
		if b.Last != Never && b.First == b.Last {
			l := a.moment(b.First)
			b.Off = int(l.off)
			l.off += Aligned(b.Size)
		}
	}
	return total
}

// LayOutForward is [LayOut] for the forward pass alone: blocks that it does not use lie
// anywhere.
func LayOutForward(blocks []*Block) (total int64) {
	behind := slices.DeleteFunc(slices.Clone(blocks), func(b *Block) bool { return b.First < lossMoment || b.Last == Never })
	for _, b := range blocks {
		if b.First < lossMoment && b.Last != Never {
			b.Last, b.again = b.forward, 0
		}
	}
	for _, b := range behind {
		b.Last = Never
	}
	total = LayOut(blocks)
	for _, b := range behind {
		b.Last, b.Off = b.First, 0
		total = max(total, Aligned(b.Size))
	}
	return total
}

// Peaks are the floats needed in all by what [layOut] would do, and by the
// forward pass alone.
func Peaks(blocks []*Block) (train, forward int64) {
	a := arrangers.Get().(*arranger)
	defer arrangers.Put(a)
	a.read(blocks, false)
	train = a.arrange()
	a.read(blocks, true)
	return train, a.arrange()
}

// arranger lays out blocks. Searches price thousands of networks: its lists are
// used again.
type arranger struct {
	order   []life // the largest first
	moments []life // of little, what is in use at one moment only
	placed  []spot // by offset
}

// life is a block, or all blocks that are in use at one moment only; these have
// numbers behind those of the blocks.
type life struct {
	size, off           int64
	number, first, last int32
	pause               // within
}

// pause is when a block is not in use: between its last moment forward and the first
// in which an op runs again. Both are 0 for none.
type pause struct{ from, to int32 }

// around reports whether another life, from first to last, lies within the pause.
func (p pause) around(first, last int32) bool { return p.from < first && last < p.to }

// spot is where a block lies: in floats, up to the next start that is aligned.
type spot struct {
	at, end     int64
	first, last int32
	pause
}

// meets reports whether the two are in use at the same moment.
func (p *spot) meets(l *life) bool {
	if (p.last-l.first)|(l.last-p.first) < 0 { // one is over before the other begins
		return false
	}
	switch {
	case p.to|l.to == 0:
		return true
	case p.to == 0:
		return !l.around(p.first, p.last)
	case l.to == 0:
		return !p.around(l.first, l.last)
	}
	return meet(p.first, p.from, l) || meet(p.to, p.last, l)
}

// meet reports whether a life with a pause meets the moments from first to last.
func meet(first, last int32, l *life) bool {
	return first <= l.from && l.first <= last || first <= l.last && l.to <= last
}

var arrangers = sync.Pool{New: func() any { return new(arranger) }}

// little is the share of the largest block up to which what is in use at one
// moment comes last. Most of it is little, and laying it out so takes a third of
// the time. With batches of 32 it costs networks of our spaces 0.03 % of their
// memory on average, with batches of 8 it costs 0.3 %, with single rows nothing.
const little = 32

// read makes the order of blocks, or of those of the forward pass and of their
// lives in it.
func (a *arranger) read(blocks []*Block, forward bool) {
	a.order, a.moments = a.order[:0], a.moments[:0]
	largest := int64(0)
	for i, b := range blocks {
		l := life{size: b.Size, number: int32(i), first: int32(b.First), last: int32(b.Last)}
		if forward {
			l.last = int32(b.forward)
		} else if b.again > 0 {
			l.pause = pause{int32(b.forward), int32(b.again)}
		}
		switch {
		case b.Last == Never || forward && b.First >= lossMoment:
		case l.first == l.last:
			m := a.moment(b.First)
			m.size = Plus(m.size, Aligned(b.Size))
		default:
			largest = max(largest, b.Size)
			a.order = append(a.order, l)
		}
	}
	for i := range a.moments {
		if m := &a.moments[i]; m.size > largest/little {
			m.number = int32(len(blocks) + i)
			a.order = append(a.order, *m)
			m.size = 0
		}
	}
	slices.SortFunc(a.order, func(a, b life) int {
		switch {
		case a.size > b.size:
			return -1
		case a.size < b.size:
			return 1
		}
		return int(a.number - b.number)
	})
}

// moment is what is in use at a moment only.
func (a *arranger) moment(m int) *life {
	at := 0 // of the loss
	switch {
	case m < lossMoment:
		at = 2*m + 1
	case m > lossMoment:
		at = 2*(backward-m) + 2
	}
	for len(a.moments) <= at {
		a.moments = append(a.moments, life{})
	}
	l := &a.moments[at]
	l.first, l.last = int32(m), int32(m)
	return l
}

// arrange places all in their order and returns the floats needed in all.
func (a *arranger) arrange() int64 {
	a.placed = a.placed[:0]
	var total int64
	for i := range a.order {
		l := &a.order[i]
		l.off = a.lowest(l)
		end := Plus(l.off, l.size)
		total = max(total, end)
		at := sort.Search(len(a.placed), func(i int) bool { return a.placed[i].at >= l.off })
		a.placed = slices.Insert(a.placed, at, spot{l.off, Aligned(end), l.first, l.last, l.pause})
	}
	for i := range a.moments {
		if l := &a.moments[i]; l.size > 0 {
			l.off = a.lowest(l)
			total = max(total, Plus(l.off, l.size))
		}
	}
	return Aligned(total)
}

// lowest is the lowest place that is free during a life.
func (a *arranger) lowest(l *life) (off int64) {
	for i := range a.placed {
		p := &a.placed[i]
		if !p.meets(l) {
			continue
		}
		if off+l.size <= p.at {
			break
		}
		off = max(off, p.end)
	}
	return off
}

// Aligned is a number of floats rounded up to whole cache lines, as blocks begin at
// these; what would overflow is the largest int64.
func Aligned(n int64) int64 {
	if n > math.MaxInt64-align {
		return math.MaxInt64
	}
	return (n + align - 1) &^ (align - 1)
}
