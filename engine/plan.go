package engine

import (
	"math"
	"slices"
	"sort"
	"sync"
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
	a := arrangers.Get().(*arranger)
	defer arrangers.Put(a)
	a.order = lives(a.order[:0], blocks)
	return a.arrange(func(number int, off int64) { blocks[number].off = int(off) })
}

// peaks are the floats needed in all by what [layOut] would do, and by the
// forward pass alone.
func peaks(blocks []*block) (train, forward int64) {
	a := arrangers.Get().(*arranger)
	defer arrangers.Put(a)
	nowhere := func(int, int64) {}
	a.order = lives(a.order[:0], blocks)
	train = a.arrange(nowhere)
	some := a.order[:0]
	for _, l := range a.order {
		if l.first < lossMoment {
			l.last = int32(blocks[l.number].forward)
			some = append(some, l)
		}
	}
	a.order = some
	return train, a.arrange(nowhere)
}

// life is a block for an [arranger].
type life struct {
	size                int64
	number, first, last int32
}

// lives are the blocks that are in use at all, the largest first.
func lives(into []life, blocks []*block) []life {
	for i, b := range blocks {
		if b.last != never {
			into = append(into, life{b.size, int32(i), int32(b.first), int32(b.last)})
		}
	}
	slices.SortFunc(into, func(a, b life) int {
		switch {
		case a.size > b.size:
			return -1
		case a.size < b.size:
			return 1
		}
		return int(a.number - b.number)
	})
	return into
}

// arranger lays out blocks. Searches price thousands of networks: its lists are
// used again.
type arranger struct {
	order  []life
	placed []spot // by offset
}

var arrangers = sync.Pool{New: func() any { return new(arranger) }}

// spot is where a block lies: in floats, up to the next start that is aligned.
type spot struct {
	at, end     int64
	first, last int32
}

// arrange places the blocks in their order and returns the floats needed in all.
func (a *arranger) arrange(place func(number int, off int64)) int64 {
	a.placed = a.placed[:0]
	var total int64
	for _, b := range a.order {
		var off int64
		for i := range a.placed {
			p := &a.placed[i]
			if (p.last-b.first)|(b.last-p.first) < 0 { // one is over before the other begins
				continue
			}
			if off+b.size <= p.at {
				break
			}
			off = max(off, p.end)
		}
		place(int(b.number), off)
		end := plus(off, b.size)
		total = max(total, end)
		at := sort.Search(len(a.placed), func(i int) bool { return a.placed[i].at >= off })
		a.placed = slices.Insert(a.placed, at, spot{off, aligned(end), b.first, b.last})
	}
	return aligned(total)
}

func aligned(n int64) int64 {
	if n > math.MaxInt64-align {
		return math.MaxInt64
	}
	return (n + align - 1) &^ (align - 1)
}
