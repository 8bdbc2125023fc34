package engine

import (
	"reflect"
	"sync"

	"budwood/data"
	"budwood/engine/kernel"
)

// bare are builders that are used again and again.
var bare = sync.Pool{New: func() any { return &builder{bare: true, spare: map[reflect.Type]shelf{}} }}

// outline plans a network for its costs alone, and hands the plan to see, which
// must not keep it.
func outline(in data.Shape, batch int, half kernel.Format, build func(*builder, tensor) tensor, see func(b *builder, out tensor)) {
	b := bare.Get().(*builder)
	b.batch, b.half = batch, half
	_, out := b.plan(in, build)
	see(b, out)
	clear(b.ops)
	*b = builder{bare: true, ops: b.ops[:0], owner: b.owner[:0], blocks: b.blocks[:0], rows: b.rows[:0],
		params: b.params[:0], stats: b.stats[:0], tables: b.tables[:0], path: b.path[:0], sizes: b.sizes[:0], spare: b.spare}
	for _, s := range b.spare {
		s.empty()
	}
	bare.Put(b)
}

// shelf are ops of one type that a bare builder made before.
type shelf interface{ empty() }

// ops are all that were made; those up to the length are in use.
type ops[T any] struct{ list []*T }

func (o *ops[T]) empty() { o.list = o.list[:0] }

// fresh is a new op. Of a bare builder, whose ops never run, it is one that was
// made before, cleared.
func fresh[T any](b *builder) *T {
	if !b.bare {
		return new(T)
	}
	t := reflect.TypeFor[T]()
	made, ok := b.spare[t].(*ops[T])
	if !ok {
		made = new(ops[T])
		b.spare[t] = made
	}
	o := next(&made.list)
	var zero T
	*o = zero
	return o
}

// next makes the list longer by a value, which may be one of before the list was
// emptied.
func next[T any](list *[]*T) *T {
	n := len(*list)
	if n < cap(*list) {
		*list = (*list)[:n+1]
	} else {
		*list = append(*list, nil)
	}
	if (*list)[n] == nil {
		(*list)[n] = new(T)
	}
	return (*list)[n]
}
