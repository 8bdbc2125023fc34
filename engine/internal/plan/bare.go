package plan

import (
	"sync"

	"budwood/data"
	"budwood/engine/kernel"
)

// bare are the builders of [Outline], each of which serves many networks.
var bare = sync.Pool{New: func() any { return &Builder{bare: true} }}

// Outline plans a network for its costs alone, and hands the plan to see, which
// must not keep it. again says that ops may run [Builder.Again].
func Outline(in data.Shape, batch int, half kernel.Format, again bool, build func(*Builder, Tensor) Tensor, see func(b *Builder, out Tensor)) {
	b := bare.Get().(*Builder)
	b.Batch, b.Half, b.keep = batch, half, again
	_, out := b.plan(in, build)
	see(b, out)
	clear(b.Ops)
	clear(b.Used)
	*b = Builder{bare: true, Ops: b.Ops[:0], Owner: b.Owner[:0], Runs: b.Runs[:0], Used: b.Used[:0], Blocks: b.Blocks[:0], Rows: b.Rows[:0],
		Joints: b.Joints[:0], Params: b.Params[:0], Stats: b.Stats[:0], Tables: b.Tables[:0], path: b.path[:0], sizes: b.sizes[:0], spare: b.spare}
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

// Fresh is a new op. Of a bare builder, whose ops never run, it is one that was
// made before, cleared.
func Fresh[T any](b *Builder) *T {
	if !b.bare {
		return new(T)
	}
	o := next(&made[T](b).list)
	var zero T
	*o = zero
	return o
}

// made are the ops of a type that the builder has made. There are few types, and
// comparing each is faster than a map.
func made[T any](b *Builder) *ops[T] {
	for _, s := range b.spare {
		if o, ok := s.(*ops[T]); ok {
			return o
		}
	}
	o := new(ops[T])
	b.spare = append(b.spare, o)
	return o
}

// next makes the list longer by a value. That is one which the list held before it
// was emptied, if there is one.
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
